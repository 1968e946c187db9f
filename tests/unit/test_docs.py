"""The pages of docs/ are held against the code: settings, reasons, commands, queries."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from govwire.cli import app
from govwire.core import errors
from govwire.core.query import parse
from govwire.core.settings import Section, Settings, find_config
from govwire.core.vocabulary import load_vocabulary

ROOT = Path(__file__).parents[2]
DOCS = {path.name: path.read_text(encoding="utf-8") for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]}


def _keys(model: type, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _keys(kind, f"{name}.")
        else:
            yield f"{prefix}{name}", field.default


def _commands() -> Iterator[str]:
    from govwire.cli import adding, backfill, correct, label, operate, read, relabel, samples, sources, subscribe  # noqa: F401 - they register themselves

    def walk(command: object, path: str) -> Iterator[str]:
        for name, sub in getattr(command, "commands", {}).items():
            yield f"{path} {name}"
            yield from walk(sub, f"{path} {name}")

    assert isinstance(app, typer.Typer)
    yield from walk(get_command(app), "govwire")


def test_every_setting_is_described_with_its_default_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (?:`([^`]*)`)? ?\|", DOCS["operators.md"], re.MULTILINE)
    told = {key: default for key, default in rows if key in dict(_keys(Settings))}
    assert told == {key: "" if default is None else str(default) for key, default in _keys(Settings)}
    section = DOCS["operators.md"].split("## Settings")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", section, re.MULTILINE)) == set(told)


def test_every_reason_of_a_dead_letter_is_described() -> None:
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.RecordError)
    ]
    reasons = {each.reason for each in classes} - {errors.RecordError.reason}
    section = DOCS["operators.md"].split("### Why a record is a dead letter")[1].split("\n## ")[0]
    assert reasons <= set(re.findall(r"`([a-z_]+)`", section))


def test_every_reason_that_the_code_names_for_a_drop_or_a_wait_is_described() -> None:
    sources = [path for name in ("crawlers", "processors", "govwire") for path in (ROOT / name).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"(?:Drop|PutOff)\(\s*\"([a-z_]+)\"", code))
    assert named
    section = DOCS["operators.md"].split("### Why a URL ended or waits")[1].split("\n###")[0]
    assert named - set(re.findall(r"`([a-z_]+)`", section)) == set()


@pytest.mark.parametrize("command", sorted(_commands()))
def test_every_command_is_named_in_the_docs(command: str) -> None:
    everything = "\n".join(DOCS.values())
    group, _, name = command.removeprefix("govwire ").rpartition(" ")
    told = command in everything or (group and re.search(rf"`govwire {group}[^`]*\b{name}\b|`{name}\b", everything))
    assert told, f"{command} is in no page of docs/"


@pytest.mark.parametrize("name", sorted(DOCS))
def test_no_page_names_a_command_that_is_not_there(name: str) -> None:
    known = {command.split()[1] for command in _commands()}
    named = set(re.findall(r"(?:`|\.venv/bin/)govwire ([a-z]+)", DOCS[name]))
    assert named - known == set()


def test_every_query_of_the_examples_is_understood() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+\|$", DOCS["analysts.md"], re.MULTILINE)
    assert len(rows) >= 15
    vocabulary = load_vocabulary(find_config())
    for query in rows:
        parse(query, datetime.now(UTC), vocabulary)
