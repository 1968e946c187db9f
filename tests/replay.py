"""The replay corpus: its pages, its damaged inputs, and how far extracted articles agree with its ground truth.

The measures are those of the project's acceptance: text by bag-of-words F1 on `\\w+` in lower case (character bigrams
in Chinese, Japanese and Thai), title by the same tokens after NFKC and casefold, date by calendar day.
"""

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from govwire.core.records import Dated

_WORD = re.compile(r"\w+")
# Written without spaces between words: what `\w+` finds there are whole sentences.
_UNSPACED_LANGUAGES = ("zh", "ja", "th")


@dataclass(frozen=True)
class ReplayPage:
    """A recorded page with what its source knows of it."""

    file: str
    url: str
    site: str
    language: str
    page_type: str
    expected: Mapping[str, Any]
    truths: frozenset[str]
    path: Path

    def body(self) -> bytes:
        """The page as its site sent it."""
        return gzip.decompress(self.path.read_bytes())

    @property
    def name(self) -> str:
        """Its file's name, without folder and endings."""
        return Path(self.file).name.removesuffix(".html.gz")

    @property
    def is_article(self) -> bool:
        """Whether a news crawler wants it."""
        return self.page_type == "article"

    @property
    def text(self) -> str | None:
        """The article's text, where the source has the whole of it."""
        if "text" in self.truths:
            return str(self.expected["text"])
        return "\n\n".join(self.expected["body_paragraphs"]) if "body_paragraphs" in self.truths else None

    @property
    def title(self) -> str | None:
        """The article's title, where it is ground truth."""
        return self.expected["title"] if "title" in self.truths else None

    @property
    def published(self) -> str | None:
        """When it was published, where it is ground truth: ISO 8601, local time of the site where no offset stands."""
        return self.expected["published"] if "published" in self.truths else None


@dataclass(frozen=True)
class ReplayFeed:
    """A recorded feed or sitemap, and how many entries it states; None where that cannot be told."""

    path: Path
    url: str
    form: str
    entries: int | None
    real: bool  # as a site published it
    content_type: str

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name


@dataclass(frozen=True)
class BadInput:
    """A damaged or hostile input, and how it is served."""

    path: Path
    kind: str
    headers: Mapping[str, str]
    expect: Mapping[str, Any]
    status: int = 200
    announced: int | None = None  # the Content-Length that it is sent with, where it is not the truth

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name

    def body(self) -> bytes:
        """What a client sees once content encoding is undone."""
        raw = self.path.read_bytes()
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw


def pages(corpus_dir: Path) -> list[ReplayPage]:
    """Every recorded page, in the corpus' order."""
    folder = corpus_dir / "replay"
    rows = [json.loads(line) for line in (folder / "pages.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        ReplayPage(
            file=row["file"],
            url=row["url"],
            site=row["site"],
            language=row["lang"],
            page_type=row["page_type"],
            expected=row["expected"],
            truths=frozenset(row["gt"]),
            path=folder / row["file"],
        )
        for row in rows
    ]


def feeds(corpus_dir: Path) -> list[ReplayFeed]:
    """Every recorded feed and sitemap, in the corpus' order."""
    folder = corpus_dir / "replay"
    rows = [json.loads(line) for line in (folder / "feeds.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        ReplayFeed(
            path=folder / row["file"],
            url=row["url"] or "https://replay.example/feed",
            form=row["format"],
            entries=row["entries"],
            real=row["real"],
            content_type=row.get("serve", {}).get("headers", {}).get("Content-type", ""),
        )
        for row in rows
    ]


def bad_inputs(corpus_dir: Path) -> dict[str, BadInput]:
    """Every damaged input by its file name."""
    folder = corpus_dir / "replay"
    rows = [json.loads(line) for line in (folder / "bad.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [
        BadInput(
            folder / row["file"],
            row["kind"],
            row["serve"].get("headers", {}),
            row.get("expect", {}),
            row["serve"].get("status", 200),
            row["serve"].get("claim_length"),
        )
        for row in rows
    ]
    return {item.name: item for item in found}


def text_f1(expected: str, found: str, language: str) -> float:
    """Bag-of-words F1 of two texts."""
    wanted, got = _bag(expected, language), _bag(found, language)
    common = (wanted & got).total()
    return 2 * common / (wanted.total() + got.total()) if common else 0.0


def same_title(expected: str, found: str) -> bool:
    """Whether two titles have the same tokens."""
    return _tokens(expected) == _tokens(found)


def same_day(expected: str, found: Dated | None) -> bool:
    """Whether a date names the calendar day of the truth, in the truth's own zone where it has one."""
    if found is None:
        return False
    truth = datetime.fromisoformat(expected)
    if truth.tzinfo is None or found.precision == "day":
        return found.at.astimezone(UTC).date() == truth.date()
    return found.at.astimezone(truth.tzinfo).date() == truth.date()


def _bag(text: str, language: str) -> Counter[str]:
    words = _WORD.findall(text.lower())
    if language not in _UNSPACED_LANGUAGES:
        return Counter(words)
    run = "".join(words)
    return Counter(run[at : at + 2] for at in range(len(run) - 1))


def _tokens(title: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", title).casefold())
