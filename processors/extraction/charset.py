"""Bytes of a page to text: which charset they are really in, and what no text may hold.

A byte order mark comes first, then the bytes themselves: text that reads as UTF-8 beyond ASCII is UTF-8, whatever
header or meta element say, since no other charset yields that by chance. Then the HTTP header, then the meta element,
each believed only where the bytes bear it out, then detection by charset-normalizer.
Source: WHATWG Encoding Standard for labels (w3lib follows it), WHATWG HTML 13.2.3 for the order of header and meta.
"""

import re
from collections.abc import Iterator

from charset_normalizer import from_bytes
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

# Encodings whose text looks like valid ASCII, or like NUL bytes, until it is decoded: the bytes cannot contradict them.
_OPAQUE = re.compile(r"utf-?_?(?:16|32)|iso2022|hz", re.IGNORECASE)
_TAG_BRACKET = re.compile(rb"[<>]")
# A page may have some bytes broken by a bad cut or a pasted quotation mark and still be what it says.
_BROKEN_SHARE = 0.05
# Enough for detection; charset-normalizer's time grows with what it is given.
_DETECTION_BYTES = 64 * 1024


def decode(body: bytes, content_type: str | None) -> str:
    """The page as text, its NUL characters removed; never fails, undecodable bytes become U+FFFD."""
    encoding, mark = read_bom(body)
    if encoding and mark:
        return body[len(mark) :].decode(encoding, "replace").replace("\x00", "")
    declared = http_content_type_encoding(content_type)
    if declared and _OPAQUE.match(declared):
        return body.decode(declared, "replace").replace("\x00", "")
    body = body.replace(b"\x00", b"")
    declared_inside = html_body_declared_encoding(body)
    if declared_inside and _OPAQUE.match(declared_inside) and not declared_inside.startswith("utf"):
        return body.decode(declared_inside, "replace")
    return next(_readings(body, [declared, declared_inside]))


def _readings(body: bytes, declared: list[str | None]) -> Iterator[str]:
    for encoding in ("utf-8", *declared):
        if encoding:
            text = body.decode(encoding, "replace")
            beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
            if text.count("\ufffd") <= _BROKEN_SHARE * beyond_ascii:
                yield text
    detected = _detect(body)
    if detected:
        yield body.decode(detected, "replace")
    yield body.decode("utf-8", "replace")


def _detect(body: bytes) -> str | None:
    # Markup is ASCII in any charset and only dilutes the evidence.
    evidence = b"\n".join(part for part in _TAG_BRACKET.split(body) if not part.isascii())[:_DETECTION_BYTES]
    best = from_bytes(evidence).best() if evidence else None
    return best.encoding if best else None
