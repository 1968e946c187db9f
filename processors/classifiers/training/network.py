"""The network as it is trained: all-MiniLM-L6-v2 and the heads, in PyTorch.

Above the lower layers each proposition reads the text along with it, as one more token, that sees the text and is not
seen by it: what it comes out as is its answer, and no question changes another's. Names of parameters are those of
heads.npz; classifiers/heads.py computes the same for use.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from processors.classifiers.encoder import SIZE
from processors.classifiers.training.base import LOWER_LAYERS

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

    def forward(self, features: Tensor, questions: Tensor) -> Tensor:
        """[texts, (n,) questions, outcomes]; `questions` [texts or 1, questions, size]."""
        rank = self.features.out_features
        weights = self.question(questions).unflatten(-1, (-1, rank)) / math.sqrt(rank)
        read = torch.tanh(self.features(features))
        weights = weights.expand(len(read), -1, -1, -1)
        found = torch.einsum("bnr,bqor->bnqo", read if read.dim() > 2 else read[:, None], weights) + self.bias
        return found if read.dim() > 2 else found[:, 0]


class Network(nn.Module):
    """Encoder and heads; `bert` is a BertModel of transformers, whose layers learn; what words mean stays as it is."""

    topic_centre: Tensor
    topic_scale: Tensor
    target_centre: Tensor
    target_scale: Tensor

    def __init__(self, bert: Any, topics: int, targets: int) -> None:
        super().__init__()
        self.bert = bert
        bert.embeddings.requires_grad_(requires_grad=False)
        self.relevance = nn.Linear(2 * SIZE, 1)
        self.topic_own, self.target_own = nn.Linear(2 * SIZE, topics), nn.Linear(2 * SIZE, targets)
        self.topic_asked, self.target_asked = (Asked(2 * SIZE, 1, SMALL_RANK) for _ in range(2))
        self.polarity = nn.Linear(SIZE, 1)
        self.mark = nn.Parameter(torch.zeros(SIZE))
        self.answer_norm, self.answered = nn.LayerNorm(SIZE), nn.Linear(SIZE, 1)
        self.answer_features, self.answer = nn.Linear(SIZE, RANK), nn.Linear(RANK, 2)
        self.context = nn.Linear(SIZE, SIZE)
        # A question is asked of claims and sentences by its own vector at first; what the text makes of it is learned.
        nn.init.zeros_(self.context.weight)
        nn.init.zeros_(self.context.bias)
        self.stance, self.summary, self.overall = Asked(2 * SIZE, 2), nn.Linear(9, 3), nn.Linear(9 * targets, 2)
        self.author, self.claim, self.sentence = Asked(2 * SIZE, 3), Asked(2 * SIZE, 3), Asked(SIZE, 3)
        self.tag = nn.Linear(SIZE, 3)
        self.whole_norm, self.mention_norm = nn.LayerNorm(2 * SIZE), nn.LayerNorm(2 * SIZE)
        self.sentence_norm = nn.LayerNorm(SIZE)
        for kind in ("topic", "target"):
            self.register_buffer(f"{kind}_centre", torch.zeros(SIZE))
            self.register_buffer(f"{kind}_scale", torch.ones(1))
        self.between, self.before = nn.Dropout(LAYER_DROPOUT), nn.Dropout(HEAD_DROPOUT)

    def lower(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the lower layers make of token ids [texts, tokens]."""
        vectors = self.bert.embeddings(input_ids=ids)
        for layer in self.bert.encoder.layer[:LOWER_LAYERS]:
            vectors = self._layer(layer, vectors, _added(mask))
        return vectors

    def upper(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """What the upper layers make of that."""
        for layer in self.bert.encoder.layer[LOWER_LAYERS:]:
            vectors = self._layer(layer, vectors, _added(mask))
        return vectors

    def read(self, vectors: Tensor, mask: Tensor, questions: Tensor) -> tuple[Tensor, Tensor]:
        """The same for texts that are read along with questions [questions, size]: of the tokens, of the questions."""
        texts, tokens, asked = len(vectors), mask.shape[1], len(questions)
        both = torch.cat([vectors, questions.to(vectors.dtype).expand(texts, -1, -1)], 1)
        seen = torch.full((texts, 1, tokens + asked, tokens + asked), -1e4, device=mask.device)
        seen[..., :tokens] = _added(mask)
        own = torch.arange(tokens, tokens + asked, device=mask.device)
        seen[:, :, own, own] = 0
        for layer in self.bert.encoder.layer[LOWER_LAYERS:]:
            both = self._layer(layer, both, seen)
        return both[:, :tokens], both[:, tokens:]

    def centre(self, topics: tuple[Tensor, Tensor], propositions: tuple[Tensor, Tensor]) -> None:
        """Measure what all descriptions have in common, and all propositions: it tells them not apart."""
        with torch.no_grad():
            for kind, means in (
                ("topic", _mean(*topics)),
                ("target", _mean(self.upper(*propositions), propositions[1])),
            ):
                getattr(self, f"{kind}_centre").copy_(means.mean(0))
                getattr(self, f"{kind}_scale").copy_((means - means.mean(0)).std())

    def tell_denials(
        self, propositions: tuple[Tensor, Tensor], nothing: tuple[Tensor, Tensor], affirms: Tensor
    ) -> None:
        """Learn which propositions affirm, before all else, and at the end anew from their final vectors.

        `affirms` is 1 for those, 0 for one that denies; for each of `nothing`, which come after, a half.
        """
        with torch.no_grad():
            asked = torch.cat([self.question(propositions), self.question(nothing)])
        self.polarity.requires_grad_()
        optimizer = torch.optim.Adam(self.polarity.parameters(), lr=0.01, weight_decay=0.001)
        for _ in range(PREPARING):
            loss = functional.binary_cross_entropy_with_logits(self.polarity(asked)[:, 0], affirms)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def question(self, propositions: tuple[Tensor, Tensor]) -> Tensor:
        """The vectors of propositions by themselves [propositions, size]."""
        means = _mean(self.upper(*propositions), propositions[1])
        return (means - self.target_centre) / self.target_scale

    def forward(  # noqa: PLR0917 - torch calls it by position
        self,
        vectors: Tensor,
        mask: Tensor,
        mentions: Tensor,
        sentences: Tensor,
        own: Tensor,
        topics: tuple[Tensor, Tensor],
        propositions: tuple[Tensor, Tensor],
        nothing: tuple[Tensor, Tensor],
    ) -> dict[str, Tensor]:
        """Logits of every head.

        `vectors` are those of `lower`; `mentions` and `sentences` [texts, n, tokens] hold the share of each token in
        each mean; `own` [texts, mentions] is the number of each mention's sentence.
        """
        tokens, answers = self.read(vectors, mask, _mean(*propositions) + self.mark)
        answers = self.before(self.answer_norm(answers))
        asked = self.question(propositions)
        described = (_mean(*topics) - self.topic_centre) / self.topic_scale
        whole = self.before(self.whole_norm(torch.cat([_mean(vectors, mask), _mean(tokens, mask)], -1)))
        means = torch.bmm(sentences.to(tokens.dtype), tokens)
        beside = torch.gather(means, 1, own[..., None].expand(-1, -1, SIZE))
        held = torch.cat([torch.bmm(mentions.to(tokens.dtype), tokens), beside], -1)
        polarity = self.polarity(asked)
        # What denies is learned from the propositions alone: from stances it would be learned late, or turned round.
        sign = torch.tanh(polarity.detach())
        in_text = asked + self.context(answers)
        sentence = self.sentence(self.before(self.sentence_norm(means)), in_text)
        shown, affirmed = sided(sentence, sign), sided(sentence, torch.ones_like(sign))
        lean = self.stance(whole, asked[None]) + self.answer(torch.tanh(self.answer_features(answers)))
        # On AI rules in general a text also stands by what it holds of everything more specific.
        of_all = self.overall(_summary(affirmed, sentences).flatten(1))
        stance = sided(torch.cat([lean[:, :1] + of_all[:, None], lean[:, 1:]], 1), sign)
        held_claims = sided(self.claim(self.before(self.mention_norm(held)), in_text), sign)
        own_claims = sided(self.author(whole, in_text), sign)
        return {
            "relevance": self.relevance(whole)[:, 0],
            "topics": self.topic_own(whole) + self.topic_asked(whole, described[None])[..., 0],
            "discussed": self.target_own(whole)
            + self.target_asked(whole, asked[None])[..., 0]
            + self.answered(answers)[..., 0],
            "stance": stance + self.summary(_summary(shown, sentences)),
            "claims": torch.cat([own_claims[:, None], held_claims], 1),
            "tags": self.tag(self.between(tokens)),
            "shown": shown,
            "polarity": torch.cat([polarity, self.polarity(self.question(nothing))])[:, 0],
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
