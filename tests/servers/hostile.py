"""A hostile web on loopback: sites that lie, stall, flood, lead inside, and never end. The same for the same seed.

Every host writes down when it was asked (`Sites.asked`); what becomes of each trick is told by `Trick.ends`.
"""

import gzip
import ipaddress
import itertools
import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

import brotli
import zstandard

from servers.sites import Answer, Asked, Reply, Sites, http_date

HTML = {"Content-Type": "text/html; charset=utf-8"}
MIB = 1024 * 1024
BOMB = bytes(96 * MIB)
# How long a site asks to be left alone, in either form; a date has whole seconds.
PEACE_SECONDS = 4
CHALLENGE = (
    b"<html><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={}</script></body></html>"
)

Ends = tuple[str, str | None]
TOO_LARGE, TIMEOUT, BROKEN = ("dropped", "too_large"), ("waiting", "timeout"), ("waiting", "fetch_failed")
TOO_MANY, NOWHERE, INSIDE = (
    ("dropped", "too_many_redirects"),
    ("dropped", "bad_redirect"),
    ("dropped", "address_refused"),
)
UNKNOWN_ROBOTS, CHALLENGED = ("waiting", "robots_unreachable"), ("waiting", "challenge")


@dataclass(frozen=True)
class Trick:
    """One page that is not what it seems, on a host of its own, and how its URL must end."""

    host: str
    answer: Answer
    ends: Ends
    robots: Answer | None = None


def tricks(chance: random.Random, port: int) -> list[Trick]:
    """Everything a single answer can do, in a random order."""
    found = [
        Trick("endless.test", Reply(stream=_endless), TOO_LARGE),
        Trick("endless-chunks.test", Reply(stream=_endless_chunks), TOO_LARGE),
        Trick("endless-headers.test", Reply(stream=_endless_headers), BROKEN),
        Trick("dripping.test", Reply(stream=partial(_dripping, chance.randint(1, 5))), TIMEOUT),
        Trick("dripping-headers.test", Reply(stream=_dripping_headers), TIMEOUT),
        Trick("silent.test", Reply(after_seconds=20), TIMEOUT),
        Trick("announced.test", Reply(b"<p>x", announced=10 * 1024 * MIB), TOO_LARGE),
        Trick("cut.test", Reply(b"<p>x", announced=100), BROKEN),
        Trick("noise.test", Reply(stream=partial(_once, chance.randbytes(2000))), BROKEN),
        Trick("gzip-bomb.test", _packed(gzip.compress(BOMB), "gzip"), TOO_LARGE),
        Trick("deflate-bomb.test", _packed(zlib.compress(BOMB), "deflate"), TOO_LARGE),
        Trick("brotli-bomb.test", _packed(brotli.compress(BOMB, quality=1), "br"), TOO_LARGE),
        Trick("zstd-bomb.test", _packed(zstandard.compress(BOMB), "zstd"), TOO_LARGE),
        Trick("gzip-twice-bomb.test", _packed(gzip.compress(gzip.compress(BOMB)), "gzip, gzip"), TOO_LARGE),
        Trick("gzip-cut.test", _packed(gzip.compress(_story("cut").encode())[:-20], "gzip"), BROKEN),
        Trick("brotli-cut.test", _packed(brotli.compress(_story("cut").encode())[:-5], "br"), BROKEN),
        Trick("loop.test", Reply(status=301, headers={"Location": "/page"}), TOO_MANY),
        Trick("ping.test", Reply(status=302, headers={"Location": f"//pong.test:{port}/page"}), TOO_MANY),
        Trick("pong.test", Reply(status=302, headers={"Location": f"//ping.test:{port}/page"}), TOO_MANY),
        Trick("nowhere.test", Reply(status=302, headers={"Location": "http://[::1/"}), NOWHERE),
        Trick("script.test", Reply(status=302, headers={"Location": "javascript:alert(1)"}), NOWHERE),
        Trick("file.test", Reply(status=302, headers={"Location": "file:///etc/passwd"}), NOWHERE),
        Trick("challenge.test", Reply(CHALLENGE, 403, HTML), CHALLENGED),
        Trick("friendly-challenge.test", Reply(CHALLENGE, 200, HTML), CHALLENGED),
        Trick("unwilling.test", Reply(b"<p>x", headers={**HTML, "X-Robots-Tag": "noindex"}), ("dropped", "opted_out")),
    ]
    robots: dict[str, Reply] = {
        "failing": Reply(status=500),
        "away": Reply(status=503, headers={"Retry-After": "3600"}),
        "overrun": Reply(status=429),
        "endless": Reply(stream=_endless),
        "dripping": Reply(stream=partial(_dripping, 1)),
        "bomb": _packed(gzip.compress(BOMB), "gzip"),
        "looping": Reply(status=302, headers={"Location": "/robots.txt"}),
        "inside": Reply(status=302, headers={"Location": "http://169.254.169.254/robots.txt"}),
    }
    found += [Trick(f"robots-{name}.test", Reply(b"<p>x"), UNKNOWN_ROBOTS, reply) for name, reply in robots.items()]
    chance.shuffle(found)
    return found


def inside(chance: random.Random, port: int) -> list[str]:
    """Addresses of nobody's public web in every spelling that some client would connect to."""
    blocks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8")
    some = [_any_of(chance, block) for block in blocks]
    hosts = [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "0",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "[::]",
        "[fe80::1]",
    ]
    hosts += [
        "127.000.000.001",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fec0::1]",
        "[ff02::1]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
    ]
    for address in (IPv4Address("127.0.0.1"), *some):
        hosts += _spellings(address)
    return [f"http://{host}:{port}/secret" for host in hosts]


def _spellings(address: IPv4Address) -> list[str]:
    number, (a, b, c, d) = int(address), address.packed
    high, low = number >> 16, number & 0xFFFF
    return [
        str(address),
        f"{address}.",
        f"{number}",
        f"0x{number:x}",
        f"0{number:o}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{low}",
        f"0x{a:x}.{b}.0{low:o}",
        "".join(f"%{ord(character):x}" for character in str(address)),
        str(address).translate({ord("0") + digit: ord("\uff10") + digit for digit in range(10)}),
        f"[::ffff:{address}]",
        f"[::ffff:{high:x}:{low:x}]",
        f"[::{address}]",
        f"[64:ff9b::{high:x}:{low:x}]",
        f"[64:ff9b:1::{high:x}:{low:x}]",
        f"[2002:{high:x}:{low:x}::]",
        f"[2001:0:{high:x}:{low:x}::]",
    ]


def _any_of(chance: random.Random, block: str) -> IPv4Address:
    network = ipaddress.IPv4Network(block)
    return network[chance.randrange(1, network.num_addresses - 1)]


# What a host's bytes say, however header and markup call them.
SENTENCE = "Der Gemeinderat prüft für jede Behörde, welche Künstliche Intelligenz über Bürger entscheidet."
CHARSETS: dict[str, tuple[str, str, str]] = {
    # bytes, header, markup
    "lying-header": ("cp1252", "utf-8", "utf-8"),
    "lying-markup": ("utf-8", "", "iso-8859-1"),
    "unknown-name": ("utf-8", "utf-8-strict-mb4", ""),
    "header-beats-markup": ("cp1252", "windows-1252", "utf-8"),
    "utf-16": ("utf-16", "", ""),
    "bom": ("utf-8-sig", "", "iso-8859-1"),
    "nothing-said": ("utf-8", "", ""),
}


def charset_page(name: str) -> Reply:
    """A page whose bytes are not in the charset that it names, or in one that nobody knows."""
    encoding, header, markup = CHARSETS[name]
    meta = f'<meta charset="{markup}">' if markup else ""
    html = _story(name, SENTENCE, head=meta)
    media_type = f"text/html; charset={header}" if header else "text/html"
    return Reply(html.encode(encoding), headers={"Content-Type": media_type})


def copy_page(chance: random.Random, number: int) -> Reply:
    """One of many copies of one story, each in another site's dress, some a little cut or mended."""
    sentences = [
        f"Ministers from {count} states agreed in Geneva on tests for AI systems of the highest risk."
        for count in range(12, 44)
    ]
    if chance.random() < 0.3:
        del sentences[chance.randrange(len(sentences))]
    dress = f"<nav>{' '.join(f'<a href=/{chance.randrange(10**6)}>Section {each}</a>' for each in range(9))}</nav>"
    return Reply(_story(f"Ministers agree on tests, copy {number}", *sentences, before=dress).encode(), headers=HTML)


def _story(title: str, *sentences: str, head: str = "", before: str = "") -> str:
    dated = '<meta property="article:published_time" content="2026-11-19T08:00:00Z">'
    text = "".join(f"<p>{sentence}</p>" for sentence in sentences or [SENTENCE] * 3)
    shown = f"<body>{before}<article><h1>{title}</h1>{text}</article></body>"
    return f"<html><head>{head}{dated}<title>{title}</title></head>{shown}</html>"


def busy(value: str) -> Answer:
    """Too many requests at first, with a Retry-After in this form; a page from then on."""
    asked = itertools.count()

    def answer(_: Asked) -> Reply:
        if next(asked):
            return Reply(_story("Calm again").encode(), headers=HTML)
        wait = str(PEACE_SECONDS) if value == "seconds" else http_date(PEACE_SECONDS + 1)
        return Reply(status=429, headers={"Retry-After": wait})

    return answer


def serve_tricks(sites: Sites, found: list[Trick]) -> None:
    """Set every trick's page and robots file."""
    for trick in found:
        sites.set(trick.host, "/page", trick.answer)
        if trick.robots is not None:
            sites.set(trick.host, "/robots.txt", trick.robots)


def _packed(body: bytes, encoding: str) -> Reply:
    return Reply(body, headers={**HTML, "Content-Encoding": encoding})


def _once(body: bytes) -> Iterator[bytes]:
    yield body


def _endless() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    while True:
        yield b"<p>and on</p>" * 1000


def _endless_chunks() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1000\r\n" + b"x" * 4096 + b"\r\n"


def _endless_headers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    for number in itertools.count():
        yield b"X-%d: %s\r\n" % (number, b"y" * 4000)


def _dripping(size: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n"
    while True:
        yield b"x" * size
        time.sleep(0.1)


def _dripping_headers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: y\r\n"
        time.sleep(0.1)
