"""How well copies of a text are grouped into stories, and how fast texts are signed, beside datasketch.

    python benchmarks/stories.py [--misses]

benchmarks/stories.jsonl holds texts written for this: copies with other headlines, cut paragraphs, leads of their own,
light edits and agencies' lines; against them other articles on the same event, follow-ups that quote it, press releases
filled into one form, some of them printed elsewhere, and columns that begin and end alike. Each library's signatures go
through the product's own grouping, in a state of their own. Precision and recall are over pairs of texts: of the pairs
put into one story, those that are copies; of the pairs of copies, those put into one story. The events are dealt into
two halves by a hash: one was for tuning, the other is what is reported. CPU seconds are of signing alone, in one run.
"""

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from time import process_time

from datasketch import MinHash

from govwire.core.state import open_state, stories
from govwire.core.state.stories import Teller
from processors.stories import IN_COMMON, IN_COMMON_ON_ONE_SITE, MINIMA, bands_of, shingles, signature

TEXTS = Path(__file__).with_suffix(".jsonl")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HALVES = ("tuning", "reported")
# The set is signed so many times, for a figure that stands.
ROUNDS = 20

Sign = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True)
class Text:
    """A text of the labelled set."""

    id: str
    event: str
    story: str
    kind: str
    site: str
    title: str
    text: str

    @property
    def half(self) -> str:
        """Which half its event was dealt into."""
        return HALVES[int(hashlib.sha256(self.event.encode()).hexdigest(), 16) % 2]


def datasketch_signature(found: Sequence[str]) -> Sequence[int]:
    """As many minima of the same shingles, by datasketch."""
    hashes = MinHash(num_perm=MINIMA, seed=1)
    hashes.update_batch([shingle.encode() for shingle in found])
    minima: Sequence[int] = hashes.hashvalues.tolist()
    return minima


LIBRARIES: dict[str, Sign] = {"govwire (rensa)": signature, "datasketch": datasketch_signature}


def group(texts: Sequence[Text], sign: Sign) -> dict[str, str]:
    """The story of each text, as the product groups them when they come one after the other."""
    with tempfile.TemporaryDirectory() as folder, open_state(f"sqlite:///{folder}/state.db") as state:
        told = {}
        for minute, text in enumerate(texts):
            at, found = NOW + timedelta(minutes=minute), shingles(text.text)
            teller = Teller(text.id, at, at, bands_of(sign(found)) if found else (), text.site)
            with state.begin() as transaction:
                stories.announce(transaction, [teller])
            with state.begin() as transaction:
                told |= stories.assign_stories(transaction, [teller], IN_COMMON, IN_COMMON_ON_ONE_SITE)
        with state.begin() as transaction:
            today = stories.resolve(transaction, told.values())
    return {text_id: today[story] for text_id, story in told.items()}


def rate(texts: Sequence[Text], sign: Sign) -> float:
    """Signatures per CPU second."""
    cut = [shingles(text.text) for text in texts]
    began = process_time()
    for _ in range(ROUNDS):
        for found in cut:
            sign(found)
    return ROUNDS * len(texts) / (process_time() - began)


def score(texts: Sequence[Text], found: dict[str, str]) -> tuple[float, float]:
    """Precision and recall over pairs."""
    pairs = list(combinations(texts, 2))
    grouped = {(one.id, other.id) for one, other in pairs if found[one.id] == found[other.id]}
    copies = {(one.id, other.id) for one, other in pairs if one.story == other.story}
    return len(grouped & copies) / len(grouped), len(grouped & copies) / len(copies)


def wrong(texts: Sequence[Text], found: dict[str, str]) -> Iterator[str]:
    """What the wrong pairs are, the most frequent kinds first."""
    kinds: Counter[str] = Counter()
    for one, other in combinations(texts, 2):
        if (found[one.id] == found[other.id]) != (one.story == other.story):
            what = "missed" if one.story == other.story else "wrongly one"
            kinds[f"{what}: {one.kind} | {other.kind} ({one.event})"] += 1
    return (f"    {count:3}  {what}" for what, count in kinds.most_common())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--misses", action="store_true", help="name the wrong pairs of the tuning half")
    arguments = parser.parse_args()
    texts = [Text(**json.loads(line)) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    halves = {half: [text for text in texts if text.half == half] for half in HALVES}
    print(f"{len(texts)} texts, {len({text.story for text in texts})} stories")
    print(f"{'':20}" + "".join(f"{half + ': precision':>22}{'recall':>9}" for half in HALVES) + f"{'signed/CPU s':>14}")
    rates = {name: rate(texts, sign) for name, sign in LIBRARIES.items()}
    for name, sign in LIBRARIES.items():
        found = group(texts, sign)
        scores = [score(halves[half], found) for half in HALVES]
        print(f"{name:20}" + "".join(f"{right:22.3f}{all_:9.3f}" for right, all_ in scores) + f"{rates[name]:14.0f}")
        for line in wrong(halves["tuning"], found) if arguments.misses else ():
            print(line)
    ours, theirs = rates.values()
    print(f"ratio of signatures per CPU second: {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
