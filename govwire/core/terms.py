"""Term lists: config/terms/<language>.toml, and what they say of a text.

They label by themselves where the `keyword` engine is chosen, and decide relevance in languages that the model was not
tested on: such a text is relevant when it has a term of AI and one of governance. The crawl asks them which entries of
a general feed name AI at all.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from govwire.core.errors import ConfigError

# The list for languages that have none.
ANY_LANGUAGE = "und"
# Scripts without spaces between words: a term is found wherever its characters are.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# What a word is made of in the other scripts; "AI" is a word in "AI法案" too.
_LETTER = r"[0-9A-Za-z_\u00c0-\u024f\u0370-\u052f]"


class TargetTerms(BaseModel):
    """The words by which a target is known, and those of either side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: tuple[str, ...]
    favor: tuple[str, ...]
    against: tuple[str, ...]


class TermList(BaseModel):
    """One language's file; only English has terms for topics and targets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ai: tuple[str, ...]
    governance: tuple[str, ...]
    topics: dict[str, tuple[str, ...]] = {}
    targets: dict[str, TargetTerms] = {}


class Terms:
    """Terms compiled to one pattern: whole words, `*` for any ending, capitals as written, else in any case."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._terms = tuple(terms)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        # When it is first asked for: compiling those of every language takes a process longer than all else at start.
        exact = [_pattern(term) for term in self._terms if term.isupper()]
        folded = [_pattern(term) for term in self._terms if not term.isupper()]
        parts = [*exact, *([f"(?i:{'|'.join(folded)})"] if folded else [])]
        return re.compile("|".join(parts)) if parts else None

    def count(self, text: str) -> int:
        """How often any of them occurs."""
        return 0 if self._pattern is None else sum(1 for _ in self._pattern.finditer(text))

    def occur(self, text: str) -> bool:
        """Whether any of them occurs."""
        return self._pattern is not None and self._pattern.search(text) is not None


class Relevance:
    """Relevance by terms, by language."""

    def __init__(self, lists: dict[str, TermList]) -> None:
        self._terms = {language: (Terms(of.ai), Terms(of.governance)) for language, of in lists.items()}

    def names_ai(self, text: str, language: str) -> bool:
        """Whether the text has a term of AI in its language's list."""
        ai, _ = self._terms.get(language, self._terms[ANY_LANGUAGE])
        return ai.occur(text)

    def decides(self, text: str, language: str) -> bool:
        """Whether the text has a term of AI and one of governance in its language's list."""
        ai, governance = self._terms.get(language, self._terms[ANY_LANGUAGE])
        return ai.occur(text) and governance.occur(text)


def load_terms(config: Path) -> dict[str, TermList]:
    """Every term list of a config folder, by language.

    Raises:
        ConfigError: every file that is no term list, with the key; or English or `und` is missing.
    """
    lists: dict[str, TermList] = {}
    problems = []
    for path in sorted((config / "terms").glob("*.toml")):
        try:
            lists[path.stem] = TermList.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problems.append(f"{path}: {error}")
        except ValidationError as error:
            problems += [_problem(path, entry) for entry in error.errors(include_url=False)]
    missing = [name for name in ("en", ANY_LANGUAGE) if name not in lists and not problems]
    problems += [f"{config / 'terms' / name}.toml: not there; 'govwire init DIR' writes one" for name in missing]
    if problems:
        raise ConfigError(problems)
    return lists


def _problem(path: Path, entry: Any) -> str:
    return f"{path}: {'.'.join(map(str, entry['loc']))}: {entry['msg']}"


def _pattern(term: str) -> str:
    words = rf"{_LETTER}*".join(re.escape(part) for part in term.split("*"))
    if _UNSPACED.search(term):
        return words
    return rf"(?<!{_LETTER}){words}" if term.endswith("*") else rf"(?<!{_LETTER}){words}(?!{_LETTER})"
