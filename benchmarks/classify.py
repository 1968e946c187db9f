"""How quick the classifier is: against zero-shot classification, against the bare runtime, and on what is irrelevant.

    python benchmarks/classify.py [--articles N]

Committed passages are joined to articles of about 600 words. All in one run, by turns: the classifier; ONNX Runtime
alone on the same token ids, window by window on as many threads; irrelevant articles; and, where the extra `hub` is
installed, the zero-shot pipeline of transformers with a model of the encoder's size (MiniLM-L6 with an untrained NLI
head, float32, cut at 512 tokens) asked 39 hypotheses: 19 topics, favor and against of ten targets.
"""

import argparse
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time
from typing import Any

import numpy as np
import onnxruntime

from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import Document, open_classifier
from processors.classifiers.encoder import NOTHING, SIZE, Encoder
from processors.classifiers.neural import LEAD_TOKENS, MODEL
from processors.classifiers.training.passages import records

WORDS = 600
ROUNDS = 5
THREADS = os.cpu_count() or 1
# The pipeline is slow: so many articles tell.
ZERO_SHOT_ARTICLES = 4

Seconds = tuple[float, float]  # on the clock, and of all cores


def articles(count: int, *, relevant: bool) -> list[Document]:
    """Articles of about 600 words, each of several passages."""

    def joined() -> Iterator[Document]:
        paragraphs: list[str] = []
        for row in records():
            if row["relevant"] is relevant and row["kind"] == "passage":
                paragraphs.append(row["text"])
            if sum(len(one.split()) for one in paragraphs) >= WORDS:
                yield Document(row["id"], row["title"], "\n\n".join(paragraphs))
                paragraphs = []

    return [document for document, _ in zip(joined(), range(count), strict=False)]


def seconds(action: Callable[[], object]) -> Seconds:
    """How long it takes, once."""
    start, start_cpu = perf_counter(), process_time()
    action()
    return perf_counter() - start, process_time() - start_cpu


def zero_shot(vocabulary: Vocabulary) -> Callable[[str], object]:
    """The pipeline, with an untrained head: how quick it is does not depend on how good it is."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, pipeline

    torch.set_num_threads(THREADS)
    labels = {0: "contradiction", 1: "neutral", 2: "entailment"}
    config = BertConfig.from_pretrained(str(MODEL), num_labels=3, id2label=labels)
    model = BertForSequenceClassification(config).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(MODEL), model_max_length=512)
    asked: Any = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer, device="cpu")
    topics = [one.description for one in vocabulary.topics.values() if not one.experimental]
    targets = [one for one in vocabulary.targets.values() if not one.experimental]
    hypotheses = [*topics, *(side for one in targets for side in (one.favor, one.against))]
    return lambda text: asked(text, hypotheses, hypothesis_template="{}", multi_label=True)


def bare(documents: Sequence[Document]) -> Callable[[], object]:
    """ONNX Runtime on the same batches of tokens, leads and windows, and nothing else."""
    encoder, targets = Encoder(MODEL), len(load_vocabulary(shared("config")).targets)
    asked = np.zeros((targets, SIZE), np.float32)
    inputs = [
        {"input_ids": np.array(window.ids), "asked": along}
        for document in documents
        for windows in [encoder.windows(document.title, document.text)]
        for window, along in ((windows[0].lead(LEAD_TOKENS), NOTHING), *((one, asked) for one in windows))
    ]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODEL / "encoder.onnx"), options, providers=["CPUExecutionProvider"])

    def run() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda one: session.run(None, one), inputs))

    return run


def compare(what: str, one: Sequence[float], other: Sequence[float]) -> None:
    """Print the ratio of two times."""
    print(f"{what:30s} {one[0] / other[0]:6.2f} by the clock, {one[1] / other[1]:6.2f} by core time")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=40)
    count = parser.parse_args().articles
    relevant, irrelevant = (articles(count, relevant=wanted) for wanted in (True, False))
    vocabulary = load_vocabulary(shared("config"))
    classifier = open_classifier(Settings(), vocabulary, "onnx")
    actions = {
        "classify, relevant": lambda: classifier.classify(relevant),
        "bare runtime": bare(relevant),
        "classify, irrelevant": lambda: classifier.classify(irrelevant),
    }
    classifier.classify(relevant[:2])
    rounds = [{name: seconds(action) for name, action in actions.items()} for _ in range(ROUNDS)]
    best = {name: tuple(min(one[name][part] for one in rounds) for part in range(2)) for name in actions}
    per_article = {
        name: tuple(part / len(irrelevant if "irrelevant" in name else relevant) for part in best[name])
        for name in best
    }
    print(f"{len(relevant)} relevant, {len(irrelevant)} irrelevant articles of about {WORDS} words; {THREADS} threads")
    for name, (clock, cpu) in per_article.items():
        print(f"{name:22s} {clock:8.4f} s an article by the clock, {cpu:8.4f} CPU-seconds")
    whole, runtime, idle = (per_article[name] for name in actions)
    compare("of the bare runtime's speed", runtime, whole)
    compare("irrelevant against relevant", idle, whole)
    if importlib.util.find_spec("torch") is None:
        print("zero-shot: not measured; pip install 'govwire[hub]'")
        return
    ask = zero_shot(vocabulary)
    ask(relevant[0].text)
    some = relevant[:ZERO_SHOT_ARTICLES]
    taken = [part / len(some) for part in seconds(lambda: [ask(one.text) for one in some])]
    print(f"{'zero-shot pipeline':22s} {taken[0]:8.4f} s an article by the clock, {taken[1]:8.4f} CPU-seconds")
    compare("times the zero-shot pipeline", taken, whole)


if __name__ == "__main__":
    main()
