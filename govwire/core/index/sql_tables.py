"""The tables of the embedded index, and how a document lies in them.

A document is a row of `documents`; what queries ask for lies beside it in `words` (FTS5), `facts` and `claims`.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from govwire.core.index import FACETS, Document, Kind, Refusal
from govwire.core.index.documents import TOKEN_FIELDS
from govwire.core.query.tree import claims_of, facts_of, instant

# Raised when the tables change: an index is made anew from the bus, never changed in place.
LAYOUT = 1

TABLES = (
    """CREATE TABLE IF NOT EXISTS documents (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        article_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        sort_at TEXT NOT NULL,
        first_seen_at TEXT NOT NULL,
        language TEXT NOT NULL,
        title_tokens TEXT NOT NULL,
        text_tokens TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (kind, id)
    )""",
    "CREATE INDEX IF NOT EXISTS documents_by_time ON documents (kind, sort_at DESC, id)",
    "CREATE INDEX IF NOT EXISTS documents_by_arrival ON documents (kind, first_seen_at)",
    "CREATE INDEX IF NOT EXISTS documents_of_article ON documents (kind, article_id)",
    # `ascii` splits at ASCII spaces and punctuation only: our tokens, which hold none, stay as they are.
    """CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
        title_tokens, text_tokens, content='documents', content_rowid='number', tokenize='ascii'
    )""",
    """CREATE TABLE IF NOT EXISTS facts (
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        document INTEGER NOT NULL,
        PRIMARY KEY (field, value, document)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS facts_of_document ON facts (document)",
    """CREATE TABLE IF NOT EXISTS claims (
        document INTEGER NOT NULL,
        holder TEXT NOT NULL,
        holder_id TEXT NOT NULL,
        holder_tokens TEXT NOT NULL,
        target TEXT NOT NULL,
        label TEXT NOT NULL,
        shown INTEGER NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS claims_of_document ON claims (document)",
    "CREATE INDEX IF NOT EXISTS claims_by_target ON claims (target, label, document)",
)


def put(connection: sqlite3.Connection, kind: Kind, documents: Sequence[Document]) -> list[Refusal]:
    """Store documents in the transaction of the caller; a stale version is passed over."""
    refused = []
    for document in documents:
        reason = _fault(document.body)
        if reason is not None:
            refused.append(Refusal(document.id, reason))
            continue
        row = stored(connection, kind, document.id)
        if row is not None:
            if row["version"] > document.version:
                continue
            delete(connection, row)
        _insert(connection, kind, document)
    return refused


def _fault(body: Mapping[str, Any]) -> str | None:
    """Why a document cannot be searched, if so."""
    for name in ("article_id", "language", *TOKEN_FIELDS):
        if not isinstance(body.get(name), str):
            return f"{name} is not a text: {body.get(name)!r:.80}"
    for name in ("sort_at", "first_seen_at"):
        try:
            ours = instant(datetime.fromisoformat(body[name])) == body[name]
        except (KeyError, TypeError, ValueError):
            ours = False
        if not ours:
            return f"{name} is no time as documents hold them: {body.get(name)!r:.80}"
    return None


def _insert(connection: sqlite3.Connection, kind: Kind, document: Document) -> None:
    body = document.body
    kept = json.dumps({name: value for name, value in body.items() if name not in TOKEN_FIELDS}, ensure_ascii=False)
    columns = ("sort_at", "first_seen_at", "language", *TOKEN_FIELDS)
    number = connection.execute(
        "INSERT INTO documents VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (kind, document.id, body["article_id"], document.version, *(body[name] for name in columns), kept),
    ).lastrowid
    connection.execute(
        "INSERT INTO words (rowid, title_tokens, text_tokens) VALUES (?, ?, ?)",
        (number, *(body[name] for name in TOKEN_FIELDS)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO facts (field, value, document) VALUES (?, ?, ?)",
        [(field, value, number) for field, path in FACETS[kind].items() for value in facts_of(body, path)],
    )
    connection.executemany(
        "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                claim["holder"],
                claim["holder_id"] or "",
                claim["holder_tokens"],
                claim["target"],
                claim["label"],
                bool(claim["shown"]),
            )
            for claim in claims_of(body)
        ],
    )


def delete(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Delete a row of `documents` with all that lies beside it; FTS5 must be told what it had indexed."""
    number = row["number"]
    connection.execute(
        "INSERT INTO words (words, rowid, title_tokens, text_tokens) VALUES ('delete', ?, ?, ?)",
        (number, row["title_tokens"], row["text_tokens"]),
    )
    for statement in (
        "DELETE FROM facts WHERE document = ?",
        "DELETE FROM claims WHERE document = ?",
        "DELETE FROM documents WHERE number = ?",
    ):
        connection.execute(statement, (number,))


def stored(connection: sqlite3.Connection, kind: Kind, document_id: str) -> sqlite3.Row | None:
    """The row of `documents` for an id."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM documents WHERE kind = ? AND id = ?", (kind, document_id)
    ).fetchone()
    return row
