"""Compressed bodies: unpacked whole or not at all, and never beyond the limit."""

import gzip
import time
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st
from scrapy.http import Request, Response

from crawlers.encodings import BrokenEncodingError, EncodingMiddleware
from crawlers.guard import RefusedError

MIB = 1024 * 1024
REQUEST = Request("https://one.example/")


def _bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def unpacked(body: bytes, encoding: str, limit: int = 8 * MIB) -> Response:
    response = Response(REQUEST.url, 200, {"Content-Encoding": encoding, "X-Kept": "1"}, body)
    return EncodingMiddleware(limit).process_response(REQUEST, response)


@given(body=st.binary(min_size=1), encoding=st.sampled_from(sorted(PACK)))
def test_what_is_packed_comes_out_as_it_was(body: bytes, encoding: str) -> None:
    response = unpacked(PACK[encoding](body), f" {encoding.upper()} ")
    assert response.body == body
    assert response.headers.get("Content-Encoding") is None
    assert response.headers.get("X-Kept") == b"1"


def test_more_than_a_piece_comes_out_as_it_was() -> None:
    body = bytes(range(256)) * 8192
    for encoding, pack in PACK.items():
        assert unpacked(pack(body), encoding).body == body


@given(body=st.binary(min_size=1), cut=st.integers(1, 8), encoding=st.sampled_from(sorted(PACK)))
def test_what_is_cut_short_is_never_taken_for_whole(body: bytes, cut: int, encoding: str) -> None:
    packed = PACK[encoding](body)[:-cut]
    assume(packed)
    with pytest.raises(BrokenEncodingError):
        unpacked(packed, encoding)


@pytest.mark.parametrize("encoding", sorted(PACK))
@given(noise=st.binary(min_size=1))
def test_what_was_never_packed_does_not_come_through_as_nothing(encoding: str, noise: bytes) -> None:
    with pytest.raises(BrokenEncodingError):
        unpacked(b"<p>plain</p>" + noise, encoding)


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_a_bomb_is_refused_at_the_limit_with_little_memory(encoding: str) -> None:
    bomb = PACK[encoding](bytes(64 * MIB))
    tracemalloc.start()
    with pytest.raises(RefusedError) as refused:
        unpacked(bomb, encoding, MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.reason == "too_large"
    assert peak < 4 * MIB


def test_servers_that_send_bare_deflate_are_understood() -> None:
    assert unpacked(_bare_deflate(b"<p>bare</p>"), "deflate").body == b"<p>bare</p>"


def test_layers_and_parts_are_unpacked_and_counted() -> None:
    assert unpacked(brotli.compress(gzip.compress(b"twice")), "gzip, br").body == b"twice"
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0", "gzip").body == b"one two"
    assert unpacked(zstandard.compress(b"one ") + zstandard.compress(b"two"), "zstd").body == b"one two"
    with pytest.raises(BrokenEncodingError, match="packed 4 times"):
        unpacked(b"x", "gzip, gzip, gzip, gzip")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_nothing_but_empty_parts_costs_no_time(encoding: str) -> None:
    begun = time.process_time()
    with pytest.raises(BrokenEncodingError, match="parts"):
        unpacked(PACK[encoding](b"") * 400_000, encoding)
    assert time.process_time() - begun < 2


def test_a_window_that_no_browser_would_grant_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BrokenEncodingError):
        unpacked(packer.compress(b"<p>x</p>") + packer.flush(), "zstd")


@pytest.mark.parametrize("encoding", ["identity, gzip", "gzip, identity", "gzip,"])
def test_layers_that_say_nothing_are_passed_over(encoding: str) -> None:
    assert unpacked(gzip.compress(b"<p>a</p>"), encoding).body == b"<p>a</p>"


@pytest.mark.parametrize("encoding", ["utf-8", "none", "compress", "", "identity"])
def test_an_encoding_that_nobody_asked_for_leaves_the_body_as_it_is(encoding: str) -> None:
    assert unpacked(b"<p>plain</p>", encoding).body == b"<p>plain</p>"


def test_only_what_can_be_unpacked_is_asked_for() -> None:
    request = Request(REQUEST.url)
    EncodingMiddleware(MIB).process_request(request)
    asked = (request.headers.get("Accept-Encoding") or b"").decode().split(", ")
    assert set(asked) < set(PACK)
    assert [unpacked(PACK[name](b"x"), name).body for name in asked] == [b"x"] * len(asked)
