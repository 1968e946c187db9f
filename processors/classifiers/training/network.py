"""The network as it is trained: the upper layers of all-MiniLM-L6-v2 and the heads, in PyTorch.

The lower layers stay as published, so that what they make of a text is computed once (`lower`) and kept.
Names of parameters are those of heads.npz; classifiers/heads.py computes the same for use.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from processors.classifiers.heads import ATTENTION_HEADS
from processors.classifiers.training.base import LOWER_LAYERS

SIZE = 384
RANK = 128
SMALL_RANK = 64
# Chances to be left out in training: of what passes between layers, and of what a head gets.
LAYER_DROPOUT, HEAD_DROPOUT = 0.1, 0.2
PREPARING = 200  # steps


class Asked(nn.Module):
    """Logits of features toward questions, whose vectors make the weights."""

    def __init__(self, size: int, outcomes: int, rank: int = RANK) -> None:
        super().__init__()
        self.features = nn.Linear(size, rank)
        self.question = nn.Linear(SIZE, rank * outcomes)
        self.bias = nn.Parameter(torch.zeros(outcomes))
        nn.init.normal_(self.question.weight, std=SIZE**-0.5)
        nn.init.zeros_(self.question.bias)

    def weights(self, questions: Tensor) -> Tensor:
        """[questions, outcomes, rank]."""
        rank = self.features.out_features
        return self.question(questions).view(len(questions), -1, rank) / math.sqrt(rank)

    def forward(self, features: Tensor, questions: Tensor) -> Tensor:
        """[..., questions, outcomes]."""
        read = torch.tanh(self.features(features))
        return torch.einsum("...r,qor->...qo", read, self.weights(questions)) + self.bias


class Found(Asked):
    """Logits by what each question attends to among the tokens of a text."""

    def __init__(self, outcomes: int) -> None:
        super().__init__(SIZE, outcomes)
        self.key, self.query, self.value = (nn.Linear(SIZE, SIZE) for _ in range(3))

    def found(self, tokens: Tensor, mask: Tensor, questions: Tensor) -> Tensor:
        """[texts, questions, outcomes]; `mask` is what to add to the scores of each token [texts, 1, 1, tokens]."""

        def apart(vectors: Tensor) -> Tensor:
            return vectors.unflatten(-1, (ATTENTION_HEADS, -1))

        keys, asked, values = apart(self.key(tokens)), apart(self.query(questions)), apart(self.value(tokens))
        scores = torch.einsum("qhd,bnhd->bhqn", asked, keys) / math.sqrt(keys.shape[-1])
        shares = torch.softmax((scores + mask).float(), dim=-1).to(values.dtype)
        read = torch.tanh(self.features(torch.einsum("bhqn,bnhd->bqhd", shares, values).flatten(-2)))
        return torch.einsum("bqr,qor->bqo", read, self.weights(questions)) + self.bias


class Network(nn.Module):
    """Encoder and heads; `bert` is a BertModel of transformers, of which only the upper layers learn."""

    topic_centre: Tensor
    topic_scale: Tensor
    target_centre: Tensor
    target_scale: Tensor

    def __init__(self, bert: Any, topics: int, targets: int) -> None:
        super().__init__()
        self.bert = bert
        for part in (bert.embeddings, *bert.encoder.layer[:LOWER_LAYERS]):
            part.requires_grad_(requires_grad=False)
        self.relevance = nn.Linear(2 * SIZE, 1)
        self.topic_own, self.target_own = nn.Linear(2 * SIZE, topics), nn.Linear(2 * SIZE, targets)
        self.topic_asked, self.target_asked = (Asked(2 * SIZE, 1, SMALL_RANK) for _ in range(2))
        self.polarity = nn.Linear(SIZE, 1)
        self.stance, self.found, self.summary = Asked(2 * SIZE, 2), Found(2), nn.Linear(9, 3)
        self.author, self.claim, self.sentence = Asked(2 * SIZE, 3), Asked(2 * SIZE, 3), Asked(SIZE, 3)
        self.tag = nn.Linear(SIZE, 3)
        self.whole_norm, self.mention_norm = nn.LayerNorm(2 * SIZE), nn.LayerNorm(2 * SIZE)
        self.sentence_norm = nn.LayerNorm(SIZE)
        for kind in ("topic", "target"):
            self.register_buffer(f"{kind}_centre", torch.zeros(SIZE))
            self.register_buffer(f"{kind}_scale", torch.ones(1))
        self.between, self.before = nn.Dropout(LAYER_DROPOUT), nn.Dropout(HEAD_DROPOUT)

    def lower(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the frozen layers make of token ids [texts, tokens]."""
        vectors = self.bert.embeddings(input_ids=ids)
        for layer in self.bert.encoder.layer[:LOWER_LAYERS]:
            vectors = self._layer(layer, vectors, _added(mask))
        return vectors

    def upper(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """What the learning layers make of that."""
        for layer in self.bert.encoder.layer[LOWER_LAYERS:]:
            vectors = self._layer(layer, vectors, _added(mask))
        return vectors

    def centre(self, topics: tuple[Tensor, Tensor], propositions: tuple[Tensor, Tensor]) -> None:
        """Measure what all descriptions have in common, and all propositions: it tells them not apart."""
        with torch.no_grad():
            for kind, means in (
                ("topic", _mean(*topics)),
                ("target", _mean(self.upper(*propositions), propositions[1])),
            ):
                getattr(self, f"{kind}_centre").copy_(means.mean(0))
                getattr(self, f"{kind}_scale").copy_((means - means.mean(0)).std())

    def prepare(self, topics: tuple[Tensor, Tensor], propositions: tuple[Tensor, Tensor], denies: Tensor) -> None:
        """Start from what can be known before: what all questions have in common, and which propositions deny."""
        self.centre(topics, propositions)
        asked = ((_mean(self.upper(*propositions), propositions[1]) - self.target_centre) / self.target_scale).detach()
        optimizer = torch.optim.Adam(self.polarity.parameters(), lr=0.01, weight_decay=0.001)
        for _ in range(PREPARING):
            loss = functional.binary_cross_entropy_with_logits(self.polarity(asked)[:, 0], 1 - denies)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def forward(  # noqa: PLR0917 - torch calls it by position
        self,
        vectors: Tensor,
        mask: Tensor,
        mentions: Tensor,
        sentences: Tensor,
        own: Tensor,
        topics: tuple[Tensor, Tensor],
        propositions: tuple[Tensor, Tensor],
    ) -> dict[str, Tensor]:
        """Logits of every head.

        `vectors` are those of `lower`; `mentions` and `sentences` [texts, n, tokens] hold the share of each token in
        each mean; `own` [texts, mentions] is the number of each mention's sentence.
        """
        tokens = self.upper(vectors, mask)
        asked = (_mean(self.upper(*propositions), propositions[1]) - self.target_centre) / self.target_scale
        described = (_mean(*topics) - self.topic_centre) / self.topic_scale
        whole = self.before(self.whole_norm(torch.cat([_mean(vectors, mask), _mean(tokens, mask)], -1)))
        means = torch.bmm(sentences.to(tokens.dtype), tokens)
        beside = torch.gather(means, 1, own[..., None].expand(-1, -1, SIZE))
        held = torch.cat([torch.bmm(mentions.to(tokens.dtype), tokens), beside], -1)
        polarity = self.polarity(asked)
        # What denies is learned from the propositions alone: from stances it would be learned late, or turned round.
        sign = torch.tanh(polarity.detach())
        shown = sided(self.sentence(self.before(self.sentence_norm(means)), asked), sign)
        stance = sided(self.stance(whole, asked) + self.found.found(tokens, _added(mask), asked), sign)
        held_claims = sided(self.claim(self.before(self.mention_norm(held)), asked), sign)
        own_claims = sided(self.author(whole, asked), sign)
        return {
            "relevance": self.relevance(whole)[:, 0],
            "topics": self.topic_own(whole) + self.topic_asked(whole, described)[..., 0],
            "discussed": self.target_own(whole) + self.target_asked(whole, asked)[..., 0],
            "stance": stance + self.summary(_summary(shown, sentences)),
            "claims": torch.cat([own_claims[:, None], held_claims], 1),
            "tags": self.tag(self.between(tokens)),
            "shown": shown,
            "polarity": polarity[:, 0],
        }

    def _layer(self, layer: Any, vectors: Tensor, mask: Tensor) -> Tensor:
        """A layer of BERT (Devlin et al., 2019), without the masks and outputs that a whole model carries along."""
        attention = layer.attention.self
        query, key, value = (
            part(vectors).unflatten(-1, (attention.num_attention_heads, -1)).transpose(1, 2)
            for part in (attention.query, attention.key, attention.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(query.dtype))
        output = layer.attention.output
        vectors = output.LayerNorm(self.between(output.dense(mixed.transpose(1, 2).flatten(-2))) + vectors)
        wide = functional.gelu(layer.intermediate.dense(vectors))
        return layer.output.LayerNorm(self.between(layer.output.dense(wide)) + vectors)


def sided(logits: Tensor, sign: Tensor) -> Tensor:
    """Logits of the stances, from how far a text leans to what the proposition is about, and neutral.

    [..., questions, (none,) lean, neutral] to [..., questions, (none,) against, favor, neutral]; `sign` [questions, 1]
    says whether the proposition affirms or denies that.
    """
    none, lean, neutral = logits[..., :-2], logits[..., -2:-1] * sign, logits[..., -1:]
    return torch.cat([none, -lean, lean, neutral], -1)


def _added(mask: Tensor) -> Tensor:
    """What to add to attention's scores, so that padding gets no share."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask.bool(), -1e4)[:, None, None]


def _mean(vectors: Tensor, mask: Tensor) -> Tensor:
    return (vectors * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _summary(shown: Tensor, sentences: Tensor) -> Tensor:
    """The stances that the sentences show: the strongest, the mean, and the last [texts, targets, 9]."""
    real = (sentences.sum(-1) > 0).float()
    sides = torch.softmax(shown.float(), -1)[..., 1:] * real[..., None, None]
    last = (real.sum(1).long() - 1).clamp(min=0)
    mean = sides.sum(1) / real.sum(1).clamp(min=1)[:, None, None]
    return torch.cat([sides.amax(1), mean, sides[torch.arange(len(sides)), last]], -1)
