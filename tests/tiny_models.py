"""Tiny models of the hub's kinds, two layers of random weights, built in a folder like downloaded ones."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from govwire.core.vocabulary import Vocabulary

TEXT = (
    "Ministers met in Geneva on Thursday to discuss a treaty on artificial intelligence. “We need binding rules for "
    "frontier AI before it is too late,” said Ana Ruiz, who chairs the talks at the United Nations. Industry groups "
    "called the law premature. Tom Becker of the Chamber of Commerce said that the regulation would kill innovation."
)
NLI = ("contradiction", "entailment", "neutral")
SEQUENCE = (
    "relevant",
    "safety_risk",
    "Regulation_Law",
    "binding_regulation:favor",
    "binding_regulation:AGAINST",
    "stronger_governance:favor",
    "stronger_governance:against",
    "stronger_governance:neutral",
)

Build = Callable[..., Path]


def builder(folders: pytest.TempPathFactory, vocabulary: Vocabulary) -> Build:
    """Makes a BERT of two layers with these labels; `sure` is added to what speaks for the label of that name."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.set_num_threads(1)
    sentences = [one.description for one in vocabulary.topics.values()] + [
        one.favor for one in vocabulary.targets.values()
    ]
    words = dict.fromkeys(re.findall(r"\w+|[^\w\s]", " ".join([TEXT, *sentences]).lower()))
    letters = [part for letter in "abcdefghijklmnopqrstuvwxyz0123456789" for part in (letter, f"##{letter}")]
    pieces = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *words])

    def make(
        labels: Sequence[str], *, sure: str | None = "entailment", multiple: bool = False, headless: bool = False
    ) -> Path:
        folder = folders.mktemp("tiny-model")
        BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}).save_pretrained(folder)
        torch.manual_seed(20261124)
        config = BertConfig(
            vocab_size=len(pieces),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=258,
            initializer_range=0.6,
            id2label=dict(enumerate(labels)),
            label2id={label: number for number, label in enumerate(labels)},
            problem_type="multi_label_classification" if multiple else None,
        )
        model = BertForSequenceClassification(config)
        with torch.no_grad():
            # The same weights for a label, wherever it stands.
            order = sorted(range(len(labels)), key=labels.__getitem__)
            model.classifier.weight[order] = model.classifier.weight / 4
            if sure in labels:
                model.classifier.bias[labels.index(sure)] += 1.5
        (model.bert if headless else model).save_pretrained(folder)
        if headless:
            config.save_pretrained(folder)
        return folder

    return make
