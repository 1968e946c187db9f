"""docs/data-dictionary.md is held against the records and the index mappings: every field, its type, and no other."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import EnumType
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import AwareDatetime

from govwire.core import records
from govwire.core.index import KINDS
from govwire.core.records import Part, Record
from govwire.core.share import shared

PAGE = (Path(__file__).parents[2] / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", AwareDatetime: "time"}
MODELS = {
    name: each
    for name, each in vars(records).items()
    if isinstance(each, type) and issubclass(each, Part) and each not in {Part, Record}
}


def _sections() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    for section in re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        rows = [tuple(cell.strip() for cell in line[1:-1].split(" | ")) for line in text.splitlines() if "|" in line]
        if rows and rows[0] == ("field", "type", "meaning"):
            yield title, rows[2:]


TABLES = dict(_sections())


def _type_of(annotation: Any) -> str:
    """A field's type in the page's words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_of(parts[0])
    if origin is Literal or isinstance(annotation, EnumType):
        *first, last = (f"`{value}`" for value in (parts or annotation))
        return f"{', '.join(first)} or {last}" if first else last
    if origin is tuple:
        return f"list of {_type_of(parts[0])}"
    if origin in {Union, UnionType}:
        (inner,) = (part for part in parts if part is not NoneType)
        return f"{_type_of(inner)} or null"
    name: str = PLAIN.get(annotation) or annotation.__name__
    return name


def _fields(model: type[Part]) -> list[tuple[str, str]]:
    return [(field.alias or name, _type_of(field.annotation)) for name, field in model.model_fields.items()]


def _mapped(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, entry in properties.items():
        assert "fields" not in entry, f"{name}: a field of several kinds has no word in the page yet"
        yield f"{prefix}{name}", entry.get("type", "object")
        yield from _mapped(entry.get("properties", {}), f"{prefix}{name}.")


def _told(title: str) -> list[tuple[str, str]]:
    return [(row[0].strip("`"), row[1]) for row in TABLES[title]]


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_a_record_is_described_with_its_type_and_no_other(name: str) -> None:
    assert _told(name) == _fields(MODELS[name])


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_an_index_document_is_described_with_its_type_and_no_other(kind: str) -> None:
    template = json.loads((shared("elasticsearch") / f"{kind}.json").read_text(encoding="utf-8"))
    told = _told("In both") + _told(f"In {kind} only")
    assert sorted(told) == sorted(_mapped(template["template"]["mappings"]["properties"]))


def test_no_table_describes_what_is_not_there() -> None:
    assert TABLES.keys() == {*MODELS, "In both", *(f"In {kind} only" for kind in KINDS)}


@pytest.mark.parametrize("title", TABLES)
def test_every_field_has_a_meaning(title: str) -> None:
    assert [row for row in TABLES[title] if len(row) != 3 or not row[2]] == []
