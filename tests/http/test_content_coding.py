"""Compressed bodies: each coding, cut anywhere, damaged, and incomplete."""

import gzip
import sys
import zlib
from types import SimpleNamespace

import pytest

from mockserver.http.content_coding import create_decoder, find_codings, is_always_decoded
from mockserver.http.messages import Headers

TEXT = b'{"a":1}' * 20
GZIP = gzip.compress(TEXT)
DEFLATE = zlib.compress(TEXT)
BODIES = [
    pytest.param(("gzip",), GZIP, id="gzip"),
    pytest.param(("x-gzip",), GZIP, id="x-gzip"),
    pytest.param(("deflate",), DEFLATE, id="deflate"),
    pytest.param(("deflate",), DEFLATE[2:-4], id="deflate without its header"),
    pytest.param(("gzip", "gzip"), gzip.compress(GZIP), id="twice"),
    pytest.param(("deflate", "gzip"), gzip.compress(DEFLATE), id="deflate, then gzip"),
    pytest.param(("gzip",), gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), id="two members"),
    pytest.param(("gzip",), GZIP + b"\0\0\0", id="bytes behind the end"),
    pytest.param((), TEXT, id="none"),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(("codings", "raw"), BODIES)
def test_a_body_is_decoded_in_any_chunks(codings: tuple[str, ...], raw: bytes, size: int) -> None:
    decoder = create_decoder(codings)
    assert decoder is not None
    decoded = [decoder.decode(raw[at : at + size]) for at in range(0, len(raw), size)]

    assert b"".join(decoded) == TEXT
    assert decoder.is_complete
    assert not decoder.is_broken


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_that_was_cut_is_incomplete(coding: str) -> None:
    raw = {"gzip": GZIP, "deflate": DEFLATE}[coding]
    decoder = create_decoder((coding,))
    assert decoder is not None

    assert decoder.decode(raw[:-1]) == TEXT
    assert not decoder.is_complete
    assert decoder.decode(raw[-1:]) == b""
    assert decoder.is_complete


@pytest.mark.parametrize("codings", [("gzip",), ("deflate",), ("gzip", "gzip")])
def test_an_empty_body_is_complete(codings: tuple[str, ...]) -> None:
    decoder = create_decoder(codings)
    assert decoder is not None

    assert decoder.decode(b"") == b""
    assert decoder.is_complete


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_damaged_body_is_broken(coding: str) -> None:
    decoder = create_decoder((coding,))
    assert decoder is not None

    assert decoder.decode(b"nonsense") == decoder.decode(GZIP) == b""
    assert decoder.is_broken


@pytest.mark.parametrize("coding", ["compress", "br", "zstd", "aes128gcm"])
def test_what_cannot_be_decoded_here_has_no_decoder(
    coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("brotli", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)

    assert create_decoder((coding,)) is None
    assert create_decoder(("gzip", coding)) is None


class _Brotli:
    """The interface of the package brotli, for a coding in which `.` is the end and `!` an error."""

    error = ZeroDivisionError

    class Decompressor:
        ended = False

        def process(self, chunk: bytes) -> bytes:
            self.ended = b"." in chunk
            return chunk.upper() if b"!" not in chunk else bytes([1 // 0])

        def is_finished(self) -> bool:
            return self.ended


def test_brotli_is_decoded_if_its_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", _Brotli)
    decoder, damaged = create_decoder(("br",)), create_decoder(("br",))
    assert decoder is not None
    assert damaged is not None

    states = [(decoder.decode(chunk), decoder.is_complete) for chunk in (b"", b"ab", b"c.")]

    assert states == [(b"", True), (b"AB", False), (b"C.", True)]
    assert damaged.decode(b"!") == damaged.decode(b"a") == b""
    assert damaged.is_broken


def test_zstd_is_decoded_if_its_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decompressor:
        def __init__(self) -> None:
            self.eof, self.unused_data = False, b""

        def decompress(self, chunk: bytes) -> bytes:
            self.eof = True
            return chunk[1:].upper()

    module = SimpleNamespace(ZstdDecompressor=Decompressor, ZstdError=ValueError)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", module)
    decoder = create_decoder(("zstd",))
    assert decoder is not None

    assert decoder.decode(b"\x28abc") == b"ABC"
    assert decoder.decode(b"\x28d") == b"D"
    assert decoder.decode(b"junk") == b""
    assert decoder.is_complete


@pytest.mark.parametrize(
    ("headers", "codings"),
    [
        ((), ()),
        ((("content-encoding", "GZIP"),), ("gzip",)),
        ((("content-encoding", "identity"),), ()),
        ((("content-encoding", "gzip, br"),), ("gzip", "br")),
        ((("content-encoding", "gzip"), ("content-encoding", "br")), ("gzip", "br")),
        ((("transfer-encoding", "gzip, chunked"), ("content-encoding", "br")), ("br", "gzip")),
    ],
)
def test_the_codings_come_in_the_order_of_their_use(
    headers: Headers, codings: tuple[str, ...]
) -> None:
    assert find_codings(headers) == codings


@pytest.mark.parametrize(
    ("value", "expected"),
    [("gzip", True), ("identity", True), ("x-gzip, gzip", True), ("br", False)],
)
def test_a_recording_decodes_gzip(value: str, expected: bool) -> None:
    assert is_always_decoded(value) is expected
