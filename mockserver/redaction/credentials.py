"""The credentials of a request, and the spellings in which a response may repeat them. No I/O."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from mockserver.formats.json_text import dumps
from mockserver.http.messages import Headers
from mockserver.redaction.secret_names import is_credential_header, is_harmless, is_secret_name

MIN_LENGTH = 6
"""A credential with fewer characters is not searched for."""

MIN_WORDS = 16
"""Nor one that is made of ordinary words, if it has fewer characters."""

_WORDS = re.compile(r"(?:[A-Z]?[a-z]*|[A-Z]+)(?:[-_./: +@]+(?:[A-Z]?[a-z]*|[A-Z]+))*")
_NUMBERS = re.compile(r"[0-9]{1,7}|[0-9.:/+-]*[.:/+-][0-9.:/+-]*")
_BASE64_BLOCK = 3


def find_credentials(headers: Headers, path: str = "") -> tuple[str, ...]:
    """Return the credentials in the head of a request that other texts are searched for, longest first.

    Short ones and ordinary words would be found in texts that have nothing to do with them; `find_ordinary_credentials`
    names their headers.
    """
    found = {part for name, value in headers for part in _parts(name, value)}
    if "?" in path:
        found |= {value for name, value in parse_qsl(urlsplit(path).query) if is_secret_name(name)}
    return tuple(sorted(filter(_is_searchable, found), key=lambda part: (-len(part), part)))


def find_ordinary_credentials(headers: Headers) -> list[str]:
    """Return the names of the headers whose credential is too short, or too ordinary a word, to be searched for elsewhere."""
    return [
        name
        for name, value in headers
        if is_credential_header(name)
        and "cookie" not in name
        and not any(map(_is_searchable, _parts(name, value)))
        and not is_harmless(value)
    ]


@lru_cache(maxsize=64)
def spellings_of(credentials: tuple[str, ...]) -> tuple[str, ...]:
    """Return *credentials* in the spellings in which servers repeat them, longest first."""
    spellings = {spelling for one in credentials for spelling in _spellings(one)}
    return tuple(sorted(spellings, key=lambda spelling: (-len(spelling), spelling)))


def _spellings(credential: str) -> Iterator[str]:
    raw = credential.encode("utf-8", "surrogatepass")
    yield from (credential, credential.upper(), credential.lower(), escape(credential))
    yield escape(credential).replace("&#x27;", "&#39;").replace("/", "&#x2F;")
    plain = "".join(filter(str.isalnum, credential))
    for form in ("&#{};", "&#x{:x};", "&#x{:X};"):
        entities = {one: form.format(ord(one)) for one in credential}
        for unchanged in (plain, plain + "_-", ""):
            yield "".join([one if one in unchanged else entities[one] for one in credential])
    yield dumps(credential)[1:-1]
    quoted = quote(credential.encode(errors="replace"), safe="")
    every = "".join([f"%{byte:02X}" for byte in raw])
    for encoded in (quoted, quote_plus(raw), every, quote(quoted)):
        yield encoded
        yield re.sub("%..", lambda found: found[0].lower(), encoded)
    yield raw.hex()
    yield raw.hex().upper()
    yield b64encode(raw).decode()
    for offset in range(_BASE64_BLOCK):
        # The characters at both ends depend on what stands around the credential.
        text = b64encode(bytes(offset) + raw).decode().rstrip("=")
        whole = len(text) - ((len(raw) + offset) % _BASE64_BLOCK > 0)
        part = text[(0, 2, 3)[offset] : whole]
        if len(part) >= MIN_LENGTH:
            yield part
            yield part.replace("+", "-").replace("/", "_")


def _parts(name: str, value: str) -> Iterator[str]:
    """Yield what is secret in the header *name*: the whole value, and the credential within it."""
    if not is_credential_header(name):
        return
    yield value
    if "cookie" in name:
        for cookie in value.split(";"):
            part = cookie.partition("=")[2].strip()
            if not _WORDS.fullmatch(unquote(part)) and not part.isdecimal():
                yield part
        return
    scheme, _, token = value.partition(" ")
    if not token:
        return
    yield token.strip()
    yield from re.findall(r'"([^"]+)"', token)
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(token).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            return
        yield password or user


def _is_searchable(credential: str) -> bool:
    """Return whether *credential* is more than an ordinary word, a small number or a date."""
    is_ordinary = _WORDS.fullmatch(credential) or _NUMBERS.fullmatch(credential)
    return len(credential) >= (MIN_WORDS if is_ordinary else MIN_LENGTH)
