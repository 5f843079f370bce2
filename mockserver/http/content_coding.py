"""Content codings: compressed bodies, decoded chunk by chunk. No I/O."""

import zlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

from mockserver.http.messages import Headers

_ALWAYS_DECODED = frozenset(("gzip", "x-gzip", "deflate"))
_GZIP_BITS = zlib.MAX_WBITS + 16
_ZLIB_METHOD = 8
_GZIP_START = b"\x1f"
_ZSTD_STARTS = (b"\x28", *(bytes([byte]) for byte in range(0x50, 0x60)))


class Decoder(Protocol):
    """Decodes one body."""

    @property
    def is_broken(self) -> bool:
        """Whether the body is damaged: nothing more comes of it."""

    @property
    def is_complete(self) -> bool:
        """Whether the body may end here."""

    def decode(self, chunk: bytes) -> bytes:
        """Take *chunk* and return what can be decoded by now."""


def find_codings(headers: Headers) -> tuple[str, ...]:
    """Return the codings of the body that *headers* describe, in the order in which they were applied."""
    kinds = ("content-encoding", "transfer-encoding")
    values = [value for kind in kinds for name, value in headers if name == kind]
    names = (name.strip().lower() for name in ",".join(values).split(","))
    return tuple(name for name in names if name not in ("", "identity", "chunked"))


def is_always_decoded(value: str) -> bool:
    """Return whether no recording has a body with the content-encoding *value*."""
    return _ALWAYS_DECODED.issuperset(find_codings((("content-encoding", value),)))


def create_decoder(codings: Sequence[str]) -> Decoder | None:
    """Return the decoder of a body with these *codings*, or None for one that is unknown here.

    `br` needs the package brotli, and `zstd` Python 3.14 or the package backports.zstd.
    """
    decoders: list[Decoder] = []
    for coding in reversed(codings):
        create = _DECODERS.get(coding)
        decoder = create() if create else None
        if decoder is None:
            return None
        decoders.append(decoder)
    return _Chain(decoders)


def create_identity() -> Decoder:
    """Return the decoder that returns each chunk as it is."""
    return _Chain(())


class _Chain:
    def __init__(self, decoders: Sequence[Decoder]) -> None:
        self._decoders = decoders

    @property
    def is_broken(self) -> bool:
        return any(decoder.is_broken for decoder in self._decoders)

    @property
    def is_complete(self) -> bool:
        return all(decoder.is_complete for decoder in self._decoders)

    def decode(self, chunk: bytes) -> bytes:
        for decoder in self._decoders:
            chunk = decoder.decode(chunk)
        return chunk


class _Members:
    """A body of members, each with the decompressor that *create* returns for its first bytes.

    Like browsers, it ignores what follows a member and does not begin another one, with one of *starts*.
    """

    def __init__(
        self, create: Callable[[bytes], Any], starts: tuple[bytes, ...], error: type[Exception]
    ) -> None:
        self._create = create
        self._starts = starts
        self._error = error
        self._member: Any = None
        self._is_first = True
        self._has_ended = False
        self.is_broken = False

    @property
    def is_complete(self) -> bool:
        return self._member is None

    def decode(self, chunk: bytes) -> bytes:
        text = b""
        while chunk and not self._has_ended and not self.is_broken:
            if self._member is None:
                self._has_ended = not self._is_first and not chunk.startswith(self._starts)
                if self._has_ended:
                    break
                self._member = self._create(chunk)
                self._is_first = False
            try:
                text += self._member.decompress(chunk)
            except self._error:
                self.is_broken = True
                break
            chunk = self._member.unused_data
            if self._member.eof:
                self._member = None
        return text


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._decompressor = brotli.Decompressor()
        self._error: type[Exception] = brotli.error
        self._has_begun = False
        self.is_broken = False

    @property
    def is_complete(self) -> bool:
        return not self._has_begun or bool(self._decompressor.is_finished())

    def decode(self, chunk: bytes) -> bytes:
        if not chunk or self.is_broken:
            return b""
        self._has_begun = True
        try:
            return bytes(self._decompressor.process(chunk))
        except self._error:
            self.is_broken = True
            return b""


def _create_gzip() -> Decoder:
    return _Members(lambda _: zlib.decompressobj(_GZIP_BITS), (_GZIP_START,), zlib.error)


def _create_deflate() -> Decoder:
    def create(chunk: bytes) -> Any:
        # Some servers omit the header of zlib.
        has_header = chunk[0] & 0xF == _ZLIB_METHOD
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)

    return _Members(create, (), zlib.error)


def _create_brotli() -> Decoder | None:
    brotli = _find_module("brotli")
    return _Brotli(brotli) if brotli else None


def _create_zstd() -> Decoder | None:
    zstd = _find_module("compression.zstd", "backports.zstd")
    if zstd is None:
        return None
    return _Members(lambda _: zstd.ZstdDecompressor(), _ZSTD_STARTS, zstd.ZstdError)


def _find_module(*names: str) -> Any:
    """Return the first of the modules *names* that is installed, or None."""
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_DECODERS: dict[str, Callable[[], Decoder | None]] = {
    "gzip": _create_gzip,
    "x-gzip": _create_gzip,
    "deflate": _create_deflate,
    "br": _create_brotli,
    "zstd": _create_zstd,
}
