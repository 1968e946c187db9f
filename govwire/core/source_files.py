"""The files under config/sources, written: a new one, or a line of an old one changed and the rest left as it is."""

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import ParseError

from govwire.core.errors import ConfigError
from govwire.core.source import Source

LONGEST_ID = 61


def source_of(facts: dict[str, Any]) -> Source:
    """The source that these facts make.

    Raises:
        ConfigError: what is missing or wrong, each with the option that says it.
    """
    try:
        return Source.model_validate({name: value for name, value in facts.items() if value is not None})
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ConfigError(
            f"{_option(entry)}: {'not said by the site' if entry['type'] == 'missing' else _cause(entry)}"
            for entry in problems
        ) from error


def _option(entry: Any) -> str:
    return "--" + ".".join(str(part) for part in entry["loc"] or ("feeds",)).replace("_", "-")


def _cause(entry: Any) -> str:
    return str(entry["msg"]).removeprefix("Value error, ")


def text_of(source: Source) -> str:
    """The text of a source's file: what differs from what would hold anyway, and whether it was seen to answer."""
    plain = source.model_dump(mode="json", exclude={"id"}, exclude_defaults=True) | {"verified": source.verified}
    tables = {name: value for name, value in plain.items() if isinstance(value, dict) or name == "listings"}
    return tomlkit.dumps({name: value for name, value in plain.items() if name not in tables} | tables)


def write(config: Path, source: Source) -> Path:
    """Write a new source's file.

    Raises:
        ConfigError: there is one of that name, or it cannot be written.
    """
    path = config / "sources" / f"{source.id}.toml"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text_of(source))
    except FileExistsError as error:
        raise ConfigError(f"{path}: is there already; choose another name with --id") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; 'govwire init DIR' writes a config folder of your own") from error
    return path


def mark_verified(config: Path, source_id: str) -> bool:
    """Note in a source's file that it was seen to answer; False where it says so already.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    path = config / "sources" / f"{source_id}.toml"
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        if document.get("verified") is True:
            return False
        document["verified"] = True
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return True


def free_id(name: str, taken: Collection[str]) -> str:
    """An id for a source of this name that none of these has: lower-case letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    wanted = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST_ID - 4].rstrip("-")
    if not wanted or not wanted[0].isalpha():
        wanted = f"source-{wanted}".rstrip("-")[: LONGEST_ID - 4]
    if wanted not in taken:
        return wanted
    return next(each for number in range(2, 10_000) if (each := f"{wanted}-{number}") not in taken)
