"""Test cases of sources: a source's file, its answers as they came, and what was read from them; read again offline.

A case is a folder of the source's id: `source.toml`, `answers.json` with a file for each body, and `read.json`, what
was read when it was recorded. It is a case of the readers: should they ever read something else, it says so.
"""

import json
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crawlers import recording
from crawlers.answers import Answer, Question
from crawlers.checking import Check, Checked
from crawlers.headers import header
from govwire.core import source_files
from govwire.core.errors import ConfigError, ExtractionError
from govwire.core.records import Entry
from govwire.core.source import Source
from processors.extraction import Drop, extract

Reading = Mapping[str, Any]


@dataclass(frozen=True)
class Reread:
    """An address of a case: what is read now, and what was read when it was recorded (None: it is not in the case)."""

    source_id: str
    url: str
    now: Reading | None
    then: Reading | None

    @property
    def same(self) -> bool:
        """Whether nothing has changed."""
        return self.now == self.then


class Recorder:
    """Asks a source's ways in, and some of the pages that they list; `follow` is told each answer."""

    def __init__(self, source: Source, pages: int) -> None:
        self.answers: list[Answer] = []
        self._source = source
        self._check, self._most_pages = Check([source]), pages
        self._pages: dict[str, Question] = {}
        self._lock = threading.Lock()

    @property
    def checked(self) -> list[Checked]:
        """How the ways in did."""
        return self._check.results

    def questions(self) -> list[Question]:
        """What to ask first."""
        return self._check.questions()

    def follow(self, answer: Answer) -> list[Question]:
        """Keep an answer; the first pages that are listed are asked for, too."""
        with self._lock:
            self.answers.append(answer)
            if answer.question.purpose == "page":
                return []
            more = self._check.follow(answer)
            for listed in (listed for checked in self._check.results for listed in checked.listed):
                if len(self._pages) < self._most_pages and listed.url not in self._pages:
                    self._pages[listed.url] = Question(listed.url, self._source.id, "page")
            return [*more, *self._pages.values()]  # what is asked already is not asked again


def write(folder: Path, source: Source, answers: Sequence[Answer]) -> None:
    """Make a folder the case of a source.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "source.toml").write_text(source_files.text_of(source), encoding="utf-8")
        recording.keep(folder, answers)
        read = dict(_read(source, recording.kept(folder)))
        (folder / "read.json").write_text(json.dumps(read, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; name a folder that can be written with --folder") from error


def cases_in(folder: Path) -> list[Path]:
    """The cases in a folder, or the folder itself where it is one.

    Raises:
        ConfigError: there is none.
    """
    found = [folder] if (folder / "source.toml").is_file() else sorted(folder.glob("*/source.toml"))
    if not found:
        raise ConfigError(f"{folder}: no case of a source; 'govwire sources record SOURCE --folder {folder}' makes one")
    return [path.parent if path.name == "source.toml" else path for path in found]


def replay(folder: Path) -> list[Reread]:
    """Read a case again: every address that it answers, beside what was read when it was recorded.

    Raises:
        ConfigError: the case is broken.
    """
    source = _source(folder)
    try:
        then: dict[str, Reading] = json.loads((folder / "read.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder / 'read.json'}: {error}; record the case again") from error
    now = dict(_read(source, recording.kept(folder)))
    urls = dict.fromkeys([*then, *now])
    return [Reread(source.id, url, now.get(url), then.get(url)) for url in urls]


def _source(folder: Path) -> Source:
    path = folder / "source.toml"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        return Source.model_validate(facts | {"id": folder.resolve().name})
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(f"{path}: {error}; record the case again") from error


def _read(source: Source, answers: Iterable[Answer]) -> Iterator[tuple[str, Reading]]:
    check, pages = Check([source]), []
    for answer in answers:
        if answer.question.purpose == "page":
            pages.append(answer)
        else:
            check.follow(answer)
    entries: dict[str, Entry] = {}
    for checked in check.results:
        entries |= {listed.url: listed.entry for listed in checked.listed}
        newest = checked.newest_at.isoformat() if checked.newest_at else None
        yield checked.way.url, {"entries": len(checked.listed), "newest_at": newest, "error": checked.error}
    for answer in pages:
        yield answer.question.url, _article(answer, entries.get(answer.question.url))


def _article(answer: Answer, entry: Entry | None) -> Reading:
    response = answer.response
    assert response is not None  # only what was answered is kept
    if response.status != 200:
        return {"status": response.status}
    try:
        draft = extract(response.body, response.url, header(response, "Content-Type"), entry, answer.at)
    except ExtractionError as error:
        return {"error": str(error)}
    if isinstance(draft, Drop):
        return {"drop": draft.reason}
    published = draft.published.at.isoformat() if draft.published else None
    words = len(draft.text.split())
    return {"title": draft.title, "published_at": published, "language": draft.language, "words": words}
