"""Patterns of secrets: headers, field names and shapes. No I/O.

Texts are untrusted, so each search takes time linear in their length: no pattern scans the same characters again from
many start positions.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from mockserver.formats.json_text import dumps
from mockserver.http.messages import Headers

MIN_SECRET = 6
"""The minimum length of a credential that is searched for; a shorter one would match ordinary words."""

PREFIX_LENGTH = 8
"""The minimum length of the beginning of a secret that is recognized."""

MIN_LONG_VALUE = 16
"""A header value of at least this length is not an ordinary word."""

_CREDENTIAL_HEADER = re.compile(
    r"(?:proxy-)?authorization|cookie"
    r"|(?:.*-)?(?:api-?key|access-?key|key|token|secret|password|passwd|pwd|jwt|assertion|credentials?|auth|session)"
)
_HARMLESS_HEADER = re.compile(r"sec-.*|idempotency-key|x-mockserver-.*")
_NAME = (
    r"(?:api[_-]?key|authorization|passwd|password|passphrase|private[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|access[_-]?key(?:[_-]?id)?|credential|cookie"
    r"|(?<![a-zA-Z0-9])(?:access|refresh|id|api|auth|bearer|session|csrf)[_-]?token)"
)
"""The end of the name of a field or parameter that holds a secret; searching for its beginning too takes ten times as long."""

# A JSON field, and the beginning of one in JSON text inside a string, where quotes are escaped.
_PLAIN = r'(?P<head>%s"\s*:\s*)(?:"(?P<text>(?:[^"\\]++|\\.)+)"|-?[0-9][0-9.eE+-]*)'
_NESTED_HEAD = r'(?P<head>%s(?P<slash>\\+)"\s*:\s*)(?P=slash)"'
_NESTED_END = re.compile(r'(?<!\\)(?P<slash>\\+)"')
FIELD = re.compile(_PLAIN % _NAME, re.IGNORECASE)
NESTED_HEAD = re.compile(_NESTED_HEAD % _NAME, re.IGNORECASE)
_FIELD_NAME = re.compile(rf"[\w-]*?{_NAME}", re.IGNORECASE)
_FIELD_HINTS = (
    *(
        "apikey",
        "api_key",
        "api-key",
        "authorization",
        "passw",
        "passphrase",
        "secret",
        "credential",
        "cookie",
    ),
    *("privatekey", "private_key", "private-key", "accesskey", "access_key", "access-key"),
    *(
        f"{kind}{link}token"
        for kind in ("access", "refresh", "id", "api", "auth", "bearer", "session", "csrf")
        for link in ("", "_", "-")
    ),
)
"""One of these, in lower case, is in each secret field name: `in` takes a tenth of the time of the pattern."""

_FIELD_ROOTS = ("key", "authorization", "pass", "secret", "credential", "cookie", "token")
"""One of these is in each of the hints."""

_PARAMETER_HINTS = tuple(
    f"{end}="
    for end in (
        *("key", "key_id", "key-id", "keyid", "token", "secret", "credential", "cookie"),
        *("authorization", "passwd", "password", "passphrase"),
    )
)


def _at_word(start: str) -> str:
    """Return a pattern of *start* at the beginning of a word; a pattern with a literal prefix is a hundred times as fast."""
    return rf"{start}(?<=\b{start})"


_SHAPES = {
    "sk-": r"sk-(?<![\w-]sk-)[A-Za-z0-9_-]{8,}",
    "lsv2_": _at_word("lsv2_") + r"[A-Za-z0-9_]{6,}",
    "ls__": _at_word("ls__") + r"[A-Za-z0-9_]{8,}",
    "bearer ": r"(?i:\bbearer +)(?=\S*[0-9])[A-Za-z0-9._~+/-]{8,}=*",
    "basic ": r"(?i:\bbasic +)(?=\S*[0-9=]|\S[a-z]*[A-Z])[A-Za-z0-9+/]{8,}=*",
    # A first part without further parts is matched as `other`, so that its characters are scanned once.
    "eyj": _at_word("eyJ")
    + r"[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+|(?P<other>))",
    "akia": _at_word("AKIA") + r"[0-9A-Z]{16}\b",
    "aiza": _at_word("AIza") + r"[0-9A-Za-z_-]{30,}",
    **{f"gh{kind}_": _at_word(f"gh{kind}_") + "[A-Za-z0-9]{20,}" for kind in "opsur"},
    "github_pat_": _at_word("github_pat_") + r"[A-Za-z0-9_]{20,}",
    "glpat-": _at_word("glpat-") + r"[A-Za-z0-9_-]{16,}",
    "hf_": _at_word("hf_") + r"[A-Za-z0-9]{20,}",
    **{f"xox{kind}-": _at_word(f"xox{kind}-") + "[A-Za-z0-9-]{10,}" for kind in "abeoprs"},
    "gsk_": _at_word("gsk_") + r"[A-Za-z0-9]{20,}",
    "tvly-": _at_word("tvly-") + r"[A-Za-z0-9-]{10,}",
    # A key without an end matches the rest of the text as `other`: no later key has an end either.
    "private key-----": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|(?P<other>.*+))"
    ),
}
PARAMETER = re.compile(rf"""(?P<head>{_NAME}=)(?P<text>[^&\s"'<>\\;,]{{4,}})""", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:\\|/|u00(?P<code>[2-7][0-9a-fA-F]))")

Span = tuple[int, int]
"""Start and end positions in a text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A *pattern* of secrets. A match of its group `other` is not a secret; it only skips text."""

    pattern: re.Pattern[str]

    def spans(self, text: str) -> Iterator[Span]:
        """Yield the spans of the secrets in *text*."""
        for found in self.pattern.finditer(text):
            if found.lastgroup is None:
                yield found.span()


_SHAPED = {hint: Shape(re.compile(pattern, re.DOTALL)) for hint, pattern in _SHAPES.items()}
_SHAPE_ROOTS = tuple(
    dict.fromkeys(
        hint[:2] if hint.startswith("gh") else hint[:3] if hint.startswith("xox") else hint
        for hint in _SHAPES
    )
)
"""The beginnings of the hints; there are fewer of them."""


def possible_shapes(lowered: str) -> list[Shape]:
    """Return the shapes of keys that may be in a text; *lowered* is the text in lower case."""
    if not any(root in lowered for root in _SHAPE_ROOTS):
        return []
    return [shape for hint, shape in _SHAPED.items() if hint in lowered]


def may_hold_fields(lowered: str) -> bool:
    """Return whether a text may hold a JSON field with the name of a secret; *lowered* is the text in lower case."""
    return any(root in lowered for root in _FIELD_ROOTS) and any(
        hint in lowered for hint in _FIELD_HINTS
    )


def may_hold_parameters(lowered: str) -> bool:
    """Return whether a text may hold `name=value` with the name of a secret; *lowered* is the text in lower case."""
    return "=" in lowered and any(hint in lowered for hint in _PARAMETER_HINTS)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether a field, header or query parameter with this *name* holds a secret."""
    return _FIELD_NAME.fullmatch(name) is not None


def unescape_json(text: str) -> str:
    """Return JSON *text* with escapes of printable ASCII characters replaced by the characters; the value stays the same."""

    def plain(found: re.Match[str]) -> str:
        character = chr(int(found["code"], 16)) if found["code"] else found.group()[1]
        return found.group() if character in '"\\\x7f' else character

    return _ESCAPE.sub(plain, text) if "\\u00" in text or "\\/" in text else text


@lru_cache(maxsize=1024)
def is_credential_header(name: str) -> bool:
    """Return whether a request header with this *name* holds a credential."""
    dashed = name.replace("_", "-")
    return bool(_CREDENTIAL_HEADER.fullmatch(dashed)) and not _HARMLESS_HEADER.fullmatch(dashed)


def find_credentials(headers: Headers, path: str = "") -> tuple[str, ...]:
    """Return the secrets in the credential headers and in the query of a request, longest first."""
    found: set[str] = set()
    for name, value in headers:
        if is_credential_header(name):
            found |= set(_credential_parts(name, value))
    for name, value in parse_qsl(urlsplit(path).query):
        if _FIELD_NAME.fullmatch(name):
            found.add(value)
    return tuple(sorted((s for s in found if len(s) >= MIN_SECRET), key=lambda s: (-len(s), s)))


def prefix_patterns(secrets: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    """Return (pattern, secret) for each long secret; the pattern finds its beginning at the end of a text or JSON string.

    A stream that repeats a growing text, or a stream that is cut, contains beginnings of a secret. The group `end` is set
    only if the text or string ends there.
    """
    return [
        # Other text is matched too, so that its characters are scanned once.
        (
            re.compile(
                rf'{re.escape(secret[:PREFIX_LENGTH])}[^"\\\n]*+(?P<end>(?=\\*+"|$))?', re.MULTILINE
            ),
            secret,
        )
        for secret in secrets
        if len(secret) > PREFIX_LENGTH
    ]


def spellings_of(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the spellings of *secrets*, longest first: plain, in JSON and in a URL."""
    forms = {
        form
        for secret in secrets
        for form in (
            secret,
            dumps(secret)[1:-1],
            secret.replace("/", "\\/"),
            quote(secret, safe=""),
            quote_plus(secret),
        )
    }
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def match_any(forms: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return a pattern that matches any of *forms*, or None if there are none."""
    return re.compile("|".join(map(re.escape, forms))) if forms else None


@lru_cache(maxsize=64)
def fields_named(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a JSON field with this *name*, and of its beginning in JSON text inside a string."""
    escaped = f'(?<="){re.escape(name)}'
    return re.compile(_PLAIN % escaped), re.compile(_NESTED_HEAD % escaped)


def nested_fields(head: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], Span]]:
    """Yield each field in *text* that begins with *head*, with the span of its value.

    The value ends at the next quote with the same number of backslashes. Quotes are collected once by that number, because
    each single search could scan to the end of the text.
    """
    ends: dict[int, list[int]] | None = None
    done = 0
    for found in head.finditer(text):
        if found.start() < done:
            continue
        if ends is None:
            ends = {}
            for quote in _NESTED_END.finditer(text):
                ends.setdefault(len(quote["slash"]), []).append(quote.start())
        slashes = len(found["slash"])
        quotes = ends.get(slashes, [])
        number = bisect_left(quotes, found.end() + 1)
        if number < len(quotes):
            done = quotes[number] + slashes + 1
            yield found, (found.end(), quotes[number])


def _credential_parts(name: str, value: str) -> Iterator[str]:
    yield value
    if "cookie" in name:
        yield from filter(
            _looks_random, (part.partition("=")[2].strip() for part in value.split(";"))
        )
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


def _looks_random(value: str) -> bool:
    """Return whether the *value* of a cookie is more than an ordinary word such as `system` or `dark`."""
    return len(value) >= MIN_LONG_VALUE or (
        value.isascii() and not value.isalpha() and not value.isdigit()
    )
