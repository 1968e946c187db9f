"""Wordings: what the network is asked with in training: topics by description, targets by several propositions."""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

from govwire.core.errors import ConfigError
from govwire.core.vocabulary import Vocabulary
from processors.classifiers.encoder import Tokenizer
from processors.classifiers.training.examples import Ids
from processors.classifiers.training.passages import DATA

Text = tuple[int, ...]  # token ids
# How often the wording of config/targets.toml, the one that is used, stands among those that are drawn from.
OWN = 3
# Around each affirming wording, so that what denies is learned apart from what is denied.
AFFIRMING = ("It is right to demand this: {}", "We support the view that {}", "Yes, {}")
DENYING = (
    "It is wrong to demand this: {}",
    "We reject the view that {}",
    "It is not true that {}",
    "No, it is false that {}",
)


# Neither affirm nor deny anything: toward these, a text has no side.
NOTHING = ("", "It", "Something", "A matter", "Words", "[MASK] [MASK] [MASK]", "-")


@dataclass(frozen=True)
class Wordings:
    """Token ids of descriptions and propositions, in the order of the ids, and of what says nothing."""

    topics: Sequence[Text]
    nothing: Sequence[Text]
    affirming: Sequence[Sequence[Text]]
    denying: Sequence[Sequence[Text]]

    def draw(self, dice: random.Random, denied: float) -> tuple[list[Text], list[bool]]:
        """A proposition for each target, and whether it denies, as this share of them does."""
        asked, denies = [], []
        for affirming, denying in zip(self.affirming, self.denying, strict=True):
            denies.append(dice.random() < denied)
            asked.append(dice.choice(denying if denies[-1] else affirming))
        return asked, denies

    def all(self) -> tuple[list[Text], list[bool]]:
        """Every proposition, once, and whether it denies."""
        texts = [
            (text, denies)
            for denies, sides in ((False, self.affirming), (True, self.denying))
            for text in sorted({text for side in sides for text in side})
        ]
        return [text for text, _ in texts], [denies for _, denies in texts]


def load_wordings(vocabulary: Vocabulary, tokenizer: Tokenizer, ids: Ids) -> Wordings:
    """The descriptions and propositions of the vocabulary, and further wordings from propositions.toml.

    Raises:
        ConfigError: the file is wrong, or lacks a target.
    """
    path = DATA / "propositions.toml"
    try:
        further = tomllib.loads(path.read_text(encoding="utf-8"))
        texts = {name: (further[name]["favor"], further[name]["against"]) for name in ids.targets}
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: {error}; each target needs `favor` and `against`") from error
    topics = [vocabulary.topics[name] for name in ids.topics]

    def short(texts: Sequence[str]) -> list[Text]:
        return [tokenizer.short(text).ids for text in texts]

    def framed(frames: Sequence[str], name: str) -> list[str]:
        own = vocabulary.targets[name].proposition
        return [frame.format(own[0].lower() + own[1:]) for frame in frames]

    return Wordings(
        nothing=short(NOTHING),
        topics=short([f"{topic.label}: {topic.description}" for topic in topics]),
        affirming=[
            short([*[vocabulary.targets[name].proposition] * OWN, *texts[name][0], *framed(AFFIRMING, name)])
            for name in ids.targets
        ],
        denying=[short([*texts[name][1], *framed(DENYING, name)]) for name in ids.targets],
    )
