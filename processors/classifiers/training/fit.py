"""Fitting: the network learns from examples, every head at once; seeded, resumable from the last epoch that ended.

Propositions are asked in several wordings, some denied, with the sides of every stance changed: so that a stance is
learned as one toward a proposition, not as a mood of the text.
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from processors.classifiers.training.examples import IGNORED, Example, Ids
from processors.classifiers.training.network import Network
from processors.classifiers.training.wordings import Wordings

log = structlog.get_logger(__name__)

SEED = 20261124
BATCH, EPOCHS = 16, 4
RATE, HEAD_FACTOR, WARM_UP = 2e-4, 7.0, 0.1
# A layer learns so much slower than the one above it: the lowest know words, which are the same everywhere.
DEEPER = 0.8
REFRESH = 50  # steps after which the wordings are read anew
# How often a target is asked about by a proposition that denies.
DENIED = 0.2
# The weights that are kept are a running mean over the steps (Polyak and Juditsky, 1992): steadier than the last ones.
MEMORY = 0.995
OTHERS = 2  # names that hold nothing, for each window
WEIGHTS = {
    "relevance": 1.0,
    "topics": 4.0,
    "discussed": 2.0,
    "stance": 1.2,
    "claims": 1.5,
    "tags": 1.5,
    "shown": 1.0,
    "polarity": 0.5,
}
NONE_WEIGHT = 0.5  # of "no claim" and "no holder", which are most


@dataclass
class Texts:
    """What the lower layers make of token ids; of wordings, which are asked again and again, kept for a while."""

    network: Network
    kept: dict[tuple[int, ...], Tensor] = field(default_factory=dict)

    def batch(self, texts: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """Vectors [texts, tokens, size] and mask of some wordings; nothing is learned from how they are read."""
        new = sorted({ids for ids in texts if ids not in self.kept}, key=len)
        if new:
            learning = self.network.training
            self.network.eval()
            with torch.no_grad():
                vectors, _ = self.read(new)
            self.network.train(learning)
            self.kept |= {one: vectors[row, : len(one)].float().clone() for row, one in enumerate(new)}
        longest = max(map(len, texts))
        padded = torch.stack([functional.pad(self.kept[one], (0, 0, 0, longest - len(one))) for one in texts])
        return padded, _padded(texts)[1].to(device())

    def read(self, texts: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """The same of passages, to be learned from."""
        ids, mask = (one.to(device()) for one in _padded(texts))
        with torch.autocast(device().type, torch.bfloat16):
            return self.network.lower(ids, mask), mask

    def forget(self) -> None:
        """Read the wordings anew from now on: the lower layers have learned."""
        self.kept.clear()


def _padded(texts: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
    """Token ids [texts, tokens] and mask."""
    longest = max(map(len, texts))
    ids, mask = torch.zeros(len(texts), longest, dtype=torch.long), torch.zeros(len(texts), longest)
    for row, one in enumerate(texts):
        ids[row, : len(one)], mask[row, : len(one)] = torch.tensor(one), 1
    return ids, mask


def device() -> torch.device:
    """An accelerator where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    network: Network,
    texts: Texts,
    train: Sequence[Example],
    ids: Ids,
    wordings: Wordings,
    *,
    epochs: int,
    left_out: frozenset[str] = frozenset(),
    checkpoint: Path | None = None,
) -> Network:
    """The network after so many epochs; of targets `left_out` it sees no label.

    With a checkpoint, the run goes on after the last epoch that it holds.
    """
    network.eval()
    propositions, _ = wordings.all()
    network.centre(texts.batch(wordings.topics), texts.batch(propositions))
    tell_denials(network, wordings)
    loss = Loss(ids, left_out)
    torch.manual_seed(SEED)
    heads = [one for name, one in network.named_parameters() if not name.startswith("bert.")]
    groups = [{"params": heads, "lr": RATE * HEAD_FACTOR}]
    for below, layer in enumerate(reversed(network.bert.encoder.layer)):
        groups.append({"params": list(layer.parameters()), "lr": RATE * DEEPER**below})
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = epochs * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * steps)) * max(0.02, 1 - step / steps)
    )
    mean: Network = copy.deepcopy(network)
    mean.requires_grad_(requires_grad=False)
    run = Run(network, mean, optimizer, schedule, random.Random(SEED))  # noqa: S311 - to be repeated, not secret
    for epoch in range(run.resume(checkpoint), epochs):
        # A run that goes on after this epoch has nothing kept, either.
        texts.forget()
        totals = dict.fromkeys(WEIGHTS, 0.0)
        batches = shuffled(train, run.dice)
        for number in track(batches, f"epoch {epoch + 1} of {epochs}"):
            parts = run.step([train[row] for row in number], texts, wordings, loss)
            totals = {name: totals[name] + parts.get(name, 0.0) / len(batches) for name in totals}
        log.info("epoch_ended", epoch=epoch + 1, **{name: round(value, 3) for name, value in totals.items()})
        run.save(checkpoint, epoch + 1)
    mean.eval()
    tell_denials(mean, wordings)
    return mean


def tell_denials(network: Network, wordings: Wordings) -> None:
    """Let a network learn from all wordings which of them deny."""
    texts = Texts(network)
    propositions, denies = wordings.all()
    right = affirms(denies, wordings).to(device())
    network.tell_denials(texts.batch(propositions), texts.batch(wordings.nothing), right)


@dataclass
class Run:
    """What changes while the network learns, and is saved after each epoch."""

    network: Network
    mean: Network
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    dice: random.Random
    steps: int = 0

    @property
    def learning(self) -> list[Tensor]:
        """The weights that learn."""
        return [one for one in self.network.parameters() if one.requires_grad]

    def step(self, some: Sequence[Example], texts: Texts, wordings: Wordings, loss: "Loss") -> dict[str, float]:
        """Learn from a batch; the parts of its loss."""
        self.network.train()
        asked, denied = wordings.draw(self.dice, DENIED)
        batch = Batch.of(some, self.dice)
        if self.steps % REFRESH == 0:
            texts.forget()
        vectors, mask = texts.read([one.window.ids for one in some])
        with torch.autocast(device().type, torch.bfloat16):
            logits = self.network(
                vectors,
                mask,
                batch.mentions,
                batch.sentences,
                batch.own,
                texts.batch(wordings.topics),
                texts.batch(asked),
                texts.batch(wordings.nothing),
            )
        parts = loss.parts(logits, some, batch, denied)
        parts["polarity"] = _binary(logits["polarity"], affirms(denied, wordings).to(device())).mean()
        total = torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum()
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.steps += 1
        share = min(MEMORY, self.steps / (self.steps + 20))
        with torch.no_grad():
            for kept, new in zip(self.mean.parameters(), self.network.parameters(), strict=True):
                if new.requires_grad:
                    kept.lerp_(new, 1 - share)
        return {name: float(value.detach()) for name, value in parts.items()}

    def save(self, path: Path | None, epochs: int) -> None:
        """Write the checkpoint."""
        if path is not None:
            state = {name: getattr(self, name).state_dict() for name in ("network", "mean", "optimizer", "schedule")}
            dice = {"python": self.dice.getstate(), "torch": torch.get_rng_state()}
            torch.save({"epochs": epochs, "steps": self.steps, "dice": dice, **state}, path)

    def resume(self, path: Path | None) -> int:
        """The number of epochs that the checkpoint has behind it; 0 without one."""
        if path is None or not path.exists():
            return 0
        saved = torch.load(path, weights_only=False)
        for name in ("network", "mean", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(saved[name])
        self.dice.setstate(saved["dice"]["python"])
        torch.set_rng_state(saved["dice"]["torch"])
        self.steps = saved["steps"]
        log.info("training_resumed", epochs=saved["epochs"], checkpoint=str(path))
        return int(saved["epochs"])


def shuffled(train: Sequence[Example], dice: random.Random) -> list[list[int]]:
    """Batches of rows in random order, texts of about one length together, so that little is padding."""
    rows = dice.sample(range(len(train)), len(train))
    batches = []
    for at in range(0, len(rows), BATCH * 16):
        some = sorted(rows[at : at + BATCH * 16], key=lambda row: len(train[row].window.ids))
        batches += [some[first : first + BATCH] for first in range(0, len(some), BATCH)]
    dice.shuffle(batches)
    return batches


@dataclass(frozen=True)
class Batch:
    """Where mentions and sentences lie in the windows of some examples, and what is right for them."""

    mentions: Tensor  # [texts, mentions, tokens]: the share of each token in the mean
    sentences: Tensor  # [texts, sentences, tokens]
    own: Tensor  # [texts, mentions]: number of the sentence
    claims: Tensor  # [texts, 1 + mentions, targets]
    shown: Tensor  # [texts, sentences, targets]
    tags: Tensor  # [texts, tokens]

    @staticmethod
    def of(some: Sequence[Example], dice: random.Random) -> "Batch":
        """The batch of some examples, a few names that hold nothing among the mentions."""
        asked = [[*one.mentions, *dice.sample(one.others, min(OTHERS, len(one.others)))] for one in some]
        longest = max(len(one.window.ids) for one in some)
        most = max(1, *map(len, asked)), max(len(one.window.sentences) for one in some)
        targets = some[0].claims.shape[1]
        mentions, sentences = (torch.zeros(len(some), count, longest) for count in most)
        own = torch.zeros(len(some), most[0], dtype=torch.long)
        claims = torch.full((len(some), 1 + most[0], targets), IGNORED)
        shown = torch.full((len(some), most[1], targets), IGNORED)
        tags = torch.full((len(some), longest), IGNORED)
        for row, one in enumerate(some):
            for number, (first, end) in enumerate(asked[row]):
                mentions[row, number, first:end] = 1 / (end - first)
                own[row, number] = one.window.sentence_of(first)
            for number, sentence in enumerate(one.window.sentences):
                sentences[row, number, sentence.first : sentence.end] = 1 / (sentence.end - sentence.first)
            claims[row, : len(one.claims)] = torch.from_numpy(one.claims)
            claims[row, len(one.claims) : 1 + len(asked[row])] = 0
            shown[row, : len(one.shown)] = torch.from_numpy(one.shown)
            tags[row, : len(one.tags)] = torch.from_numpy(one.tags)
        return Batch(*(one.to(device()) for one in (mentions, sentences, own, claims, shown, tags)))


def affirms(denies: Sequence[bool], wordings: Wordings) -> Tensor:
    """Whether propositions affirm: 1, or 0 where one denies; then a half for each that says nothing."""
    return torch.tensor([*(1.0 - denied for denied in denies), *(0.5 for _ in wordings.nothing)])


class Loss:
    """The loss of each head but polarity's."""

    def __init__(self, ids: Ids, left_out: frozenset[str]) -> None:
        self._out = [number for number, name in enumerate(ids.targets) if name in left_out]
        self._live = torch.tensor([float(name not in left_out) for name in ids.targets], device=device())
        self._often = torch.tensor([2.0] + [1.0] * (len(ids.targets) - 1), device=device())

    def parts(
        self, logits: dict[str, Tensor], some: Sequence[Example], batch: Batch, denied: Sequence[bool]
    ) -> dict[str, Tensor]:
        """Each head's loss on a batch; `denied` says of each target whether its proposition was a denial."""
        turned = torch.tensor(denied, device=device())
        relevant = torch.tensor([float(one.relevant) for one in some], device=device())
        # What is said of a whole article is only partly true of its first window, and not of the others.
        share = torch.tensor([0.0 if not one.lead else 1.0 if one.alone else 0.3 for one in some], device=device())
        whole = torch.tensor([float(not one.brief) for one in some], device=device())
        weight = share * whole * (0.1 + 0.9 * relevant)
        topics = torch.from_numpy(np.stack([one.topics for one in some])).float().to(device())
        stance = torch.from_numpy(np.stack([one.stance for one in some])).to(device())
        stance = torch.where((share * whole > 0)[:, None], stance, IGNORED)
        return {
            "relevance": (_binary(logits["relevance"], relevant) * share).mean(),
            "topics": (_binary(logits["topics"], topics, 2.0).mean(1) * weight).mean(),
            "discussed": self._discussed(logits["discussed"], stance, weight),
            "stance": self._stance(logits["stance"], self._turned(stance, turned, first=0)),
            "claims": self._claims(logits["claims"], batch.claims, turned, relevant),
            "shown": self._claims(logits["shown"], batch.shown, turned, relevant),
            "tags": _chosen(logits["tags"], batch.tags),
        }

    def _turned(self, outcomes: Tensor, turned: Tensor, *, first: int) -> Tensor:
        """Outcomes with the sides changed where the proposition was a denial; `first` is the number of `against`."""
        side = (outcomes == first) | (outcomes == first + 1)
        changed = torch.where(side & turned, 2 * first + 1 - outcomes, outcomes)
        changed[..., self._out] = IGNORED
        return changed

    def _discussed(self, logits: Tensor, stance: Tensor, weight: Tensor) -> Tensor:
        # The first target is discussed everywhere.
        each = _binary(logits, (stance != IGNORED).float(), 1.5) * self._live
        return (each[:, 1:].mean(1) * weight).mean()

    def _stance(self, logits: Tensor, stance: Tensor) -> Tensor:
        each = functional.cross_entropy(
            logits.float().flatten(0, 1),
            stance.flatten(),
            ignore_index=IGNORED,
            reduction="none",
        ).view(stance.shape)
        counted = (stance != IGNORED) * self._often
        return (each * self._often).sum() / counted.sum().clamp(min=1)

    def _claims(self, logits: Tensor, outcomes: Tensor, turned: Tensor, relevant: Tensor) -> Tensor:
        right = self._turned(outcomes, turned, first=1)
        right[relevant == 0] = IGNORED
        return _chosen(logits, right)


def _chosen(logits: Tensor, right: Tensor) -> Tensor:
    """The loss of one outcome of several, the first of which is "none"; 0 where nothing is right or wrong."""
    if not (right != IGNORED).any():
        return logits.sum() * 0
    weight = torch.tensor([NONE_WEIGHT] + [1.0] * (logits.shape[-1] - 1), device=device())
    return functional.cross_entropy(logits.float().flatten(0, -2), right.flatten(), weight=weight, ignore_index=IGNORED)


def _binary(logits: Tensor, right: Tensor, often: float = 1.0) -> Tensor:
    return functional.binary_cross_entropy_with_logits(
        logits.float(), right, pos_weight=torch.tensor(often, device=logits.device), reduction="none"
    )
