"""Answers kept in a folder: `answers.json` and a file for each body, so that people can read and edit them."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from mimetypes import guess_extension
from pathlib import Path
from typing import Any

from scrapy.http import Response

from crawlers.answers import Answer, Question
from crawlers.headers import header
from govwire.core.errors import ConfigError

INDEX = "answers.json"
# What a site may have given to know us again is nobody else's.
_NOT_KEPT = {"set-cookie"}


def keep(folder: Path, answers: Sequence[Answer]) -> None:
    """Write answers into a folder, which takes the place of what was kept there before.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("answer-*"):
        old.unlink()
    rows = [
        _write(folder, number, answer, answer.response) for number, answer in enumerate(answers, 1) if answer.response
    ]
    (folder / INDEX).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write(folder: Path, number: int, answer: Answer, response: Response) -> dict[str, Any]:
    media_type = (header(response, "Content-Type") or "").partition(";")[0].strip().lower()
    suffix = (
        ".xml" if media_type.endswith("xml") and "html" not in media_type else guess_extension(media_type) or ".bin"
    )
    file = f"answer-{number}{suffix}"
    (folder / file).write_bytes(response.body)
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, values in response.headers.items()
        for value in values
        if name.lower().decode("latin-1") not in _NOT_KEPT
    ]
    return {
        "asked": answer.question.url,
        "purpose": answer.question.purpose,
        "source": answer.question.source_id,
        "at": answer.at.isoformat(),
        "url": response.url,
        "status": response.status,
        "moved_to": answer.moved_to,
        "headers": headers,
        "file": file,
    }


def kept(folder: Path) -> Iterator[Answer]:
    """The answers in a folder, in the order in which they came.

    Raises:
        ConfigError: it holds none, or they cannot be read.
    """
    path = folder / INDEX
    try:
        for row in json.loads(path.read_text(encoding="utf-8")):
            headers: dict[str, list[str]] = {}
            for name, value in row["headers"]:
                headers.setdefault(name, []).append(value)
            body = (folder / row["file"]).read_bytes()
            response = Response(row["url"], row["status"], headers, body)
            question = Question(row["asked"], row["source"], row["purpose"])
            yield Answer(question, datetime.fromisoformat(row["at"]), response, moved_to=row["moved_to"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}; 'govwire sources record' writes it") from error
