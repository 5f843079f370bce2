"""Patterns of secrets that can be recognized without a name: keys and tokens of known services. No I/O.

Texts are untrusted, so each search takes time linear in their length: no pattern scans the same characters again from
many start positions.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mockserver.redaction.text_edits import Span

_LONG_RUN = re.compile(r"[A-Za-z0-9]{10,}")
_CAPITALS = re.compile(r"(?<=[a-z])[A-Z]")
_MAX_CAPITALS = 3
"""A name of words in camel case has so few capitals."""

_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/]{16}")


def _is_random(text: str) -> bool:
    """Return whether *text* has ten letters and digits in a row, both of them: `sk-container-id-1` has not."""
    return any(_is_mixed(run) for run in _LONG_RUN.findall(text))


def _has_digit(text: str) -> bool:
    """Return whether *text* has a digit, or capitals and small letters by turns; a long name of words has not."""
    return any(character.isdigit() for character in text) or _is_random(text)


def _is_mixed(run: str) -> bool:
    """Return whether the letters and digits *run* are not one word or number."""
    if run.isalpha():
        return len(_CAPITALS.findall(run)) > _MAX_CAPITALS
    return not run.isdigit()


def _is_basic(text: str) -> bool:
    """Return whether *text* is `Basic` and user and password in base64: `basic JavaScript` is not."""
    try:
        return b":" in b64decode(text.split()[-1], validate=True)
    except Base64Error:
        return False


def _is_key(text: str) -> bool:
    """Return whether *text* is a private key: it has an end, or key material."""
    _, _, rest = text.partition("KEY")
    body = rest.partition("-----")[2]
    material, end, _ = body.partition("-----END")
    begins_a_line = material.lstrip(" ")[:1] in ("\r", "\n", "\\")
    if end and material.strip() and begins_a_line:
        return True
    found = _KEY_MATERIAL.search(material)
    return found is not None and not found[0].islower()


def _always(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """A *pattern* of secrets, in texts that contain *hint* in lower case; *check* decides whether a match is one.

    A group `secret` in the pattern is the secret; a group `other` says that the match is none and only skips text.
    *example* is a secret, and *near_miss* is none.
    """

    hint: str
    pattern: str
    example: str
    near_miss: str
    check: Callable[[str], bool] = _always

    def spans(self, text: str) -> Iterator[Span]:
        """Yield the spans of the secrets in *text*."""
        compiled = re.compile(
            self.pattern, re.DOTALL | re.ASCII
        )  # at the first use: a start needs none
        group: int | str = "secret" if "secret" in compiled.groupindex else 0
        for found in compiled.finditer(text):
            if found.lastgroup != "other" and self.check(found[0]):
                yield found.span(group)


def find_possible_patterns(
    text: str, patterns: Iterable[SecretPattern] | None = None
) -> list[SecretPattern]:
    """Return those of *patterns*, or of all, that *text* may contain: a fast check without false negatives."""
    lowered = text.lower()
    return [pattern for pattern in patterns or PATTERNS if pattern.hint in lowered]


def _at_word(start: str) -> str:
    """Return a pattern of *start* at the beginning of a word; a pattern with a literal prefix is a hundred times as fast."""
    return rf"{start}(?<![A-Za-z0-9_-]{start})"


def _prefixed(
    start: str, rest: str, example: str, near_miss: str, check: Callable[[str], bool] = _always
) -> SecretPattern:
    """Return the pattern of a key that is *start* and then *rest*."""
    hint, start_pattern = start.lower(), re.escape(start)
    return _family(hint, start_pattern, rest, start + example, start + near_miss, check)


def _family(
    hint: str,
    start: str,
    rest: str,
    example: str,
    near_miss: str,
    check: Callable[[str], bool] = _always,
) -> SecretPattern:
    """Return the pattern of keys with similar beginnings: *start* is a pattern of fixed width."""
    return SecretPattern(hint, _at_word(start) + rest, example, near_miss, check)


def _parameter(name: str, value: str, example: str) -> SecretPattern:
    """Return the pattern of `name=value`, whose value is the secret."""
    pattern = rf"(?i:{re.escape(name)})(?:=|%3[Dd])(?P<secret>{value})"
    return SecretPattern(name.lower(), pattern, f"{name}={example}", f"{name}=none")


_LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
_HEX = "0123456789abcdef0123456789abcdef"

PATTERNS = (
    # Models and tracing
    _prefixed("sk-", r"[\w-]{8,}", "proj-abcdefgh1234", "container-id-1", _is_random),
    _prefixed("lsv2_", r"\w{6,}", "pt_0123456789abcdef_01", "pt_name", _is_random),
    _prefixed("ls__", r"\w{8,}", "0123456789abcdef", "directory_tree", _is_random),
    _prefixed("hf_", r"[A-Za-z0-9]{20,}", _LONG, "hub_download"),
    _prefixed("gsk_", r"[A-Za-z0-9]{20,}", _LONG, "file"),
    _prefixed("tvly-", r"[A-Za-z0-9-]{10,}", "dev-0123456789abcdef", "search", _is_random),
    _prefixed("r8_", r"[A-Za-z0-9]{30,}", _LONG, "model"),
    _prefixed("xai-", r"\w{20,}", _LONG, "grok", _has_digit),
    _prefixed("pplx-", r"[A-Za-z0-9]{20,}", _LONG, "7b-online"),
    _prefixed("nvapi-", r"[\w-]{20,}", _LONG, "key", _has_digit),
    _prefixed("pcsk_", r"\w{20,}", _LONG, "index", _has_digit),
    _prefixed("jina_", r"\w{20,}", _LONG, "name", _has_digit),
    _prefixed("tgp_v1_", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("csk-", r"[a-z0-9]{20,}", _HEX, "name"),
    _prefixed("fw_", r"[A-Za-z0-9]{20,}", _LONG, "name", _has_digit),
    _prefixed("e2b_", r"[0-9a-f]{20,}", _HEX, "name"),
    _prefixed("apify_api_", r"\w{20,}", _LONG, "name", _has_digit),
    _prefixed("phx_", r"\w{20,}", _LONG, "name", _has_digit),
    _prefixed("sk_", r"[0-9a-f]{32,}", _HEX, "name"),
    _prefixed("api_org_", r"[A-Za-z0-9]{20,}", _LONG, "name"),
    _prefixed("sb_secret_", r"[\w-]{16,}", _LONG, "name", _has_digit),
    _prefixed("npg_", r"[A-Za-z0-9]{12,}", _LONG, "name", _has_digit),
    SecretPattern(
        "/feedback/tokens/",
        r"/feedback/tokens/(?P<secret>[0-9a-fA-F-]{32,})",
        "/feedback/tokens/01234567-89ab-cdef-0123-456789abcdef",
        "/feedback/tokens/new",
    ),
    # Clouds
    _prefixed("AKIA", r"[0-9A-Z]{16}\b", "IOSFODNN7EXAMPLE", "STREET"),
    _prefixed("ASIA", r"[0-9A-Z]{16}\b", "IOSFODNN7EXAMPLE", "PACIFIC"),
    _prefixed("AIza", r"[\w-]{30,}", _LONG, "name"),
    _prefixed("ya29.", r"[\w-]{16,}", _LONG, "5", _has_digit),
    _prefixed("GOCSPX-", r"[\w-]{16,}", _LONG, "client", _has_digit),
    _prefixed("dapi", r"[0-9a-f]{32}(?:-[0-9])?", _HEX, "string"),
    _family("hv", r"hv[sbr]\.", r"[\w-]{16,}", "hvs." + _LONG, "hvs.name", _has_digit),
    _prefixed("dop_v1_", r"[0-9a-f]{32,}", _HEX * 2, "name"),
    _prefixed("pscale_", r"[\w.-]{20,}", "tkn_" + _LONG, "branch", _has_digit),
    _prefixed("sbp_", r"[0-9a-f]{32,}", _HEX, "name"),
    _parameter("AccountKey", r"[A-Za-z0-9+/%]{20,}=*", _LONG + "=="),
    _parameter("SharedAccessKey", r"[A-Za-z0-9+/%]{20,}=*", _LONG + "="),
    _parameter("SharedAccessSignature", r"[^\s\"'<>]{20,}", _LONG),
    SecretPattern(
        "sig=",
        r"(?<=[?&])sig=(?P<secret>[A-Za-z0-9+/%_-]{20,}=*)",
        f"https://a.example/b?sv=1&sig={_LONG}%3D",
        "https://a.example/b?sig=none",
    ),
    _parameter("X-Amz-Signature", r"[0-9a-fA-F]{16,}", _HEX * 2),
    _parameter("X-Amz-Credential", r"[^\s&\"'<>]{16,}", "AKIAIOSFODNN7EXAMPLE%2F20260101"),
    _parameter("X-Amz-Security-Token", r"[^\s&\"'<>]{16,}", _LONG),
    _parameter("X-Goog-Signature", r"[0-9a-fA-F]{16,}", _HEX * 2),
    # Code and packages
    _family("gh", "gh[opsur]_", r"[A-Za-z0-9]{20,}", "ghp_" + _LONG, "ghp_name"),
    _prefixed("github_pat_", r"\w{20,}", _LONG, "name", _has_digit),
    *(
        _prefixed(f"{kind}-", r"[\w.-]{16,}", _LONG, "name", _has_digit)
        for kind in ("glpat", "glrt", "glptt", "glcbt")
    ),
    _prefixed("npm_", r"[A-Za-z0-9]{30,}", _LONG, "config_registry"),
    _prefixed("pypi-", r"[\w-]{16,}", "AgEIcHlwaS5vcmc" + _LONG, "simple-index", _has_digit),
    _prefixed("rubygems_", r"[0-9a-f]{32,}", _HEX, "name"),
    _prefixed("dp.pt.", r"[A-Za-z0-9]{20,}", _LONG, "name"),
    _prefixed("NRAK-", r"[A-Z0-9]{20,}", "ABC123" * 5, "NAME"),
    _prefixed("glc_", r"[\w=+/-]{20,}", _LONG, "name", _has_digit),
    _prefixed("HRKU-", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("CFPAT-", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("tskey-", r"[\w-]{16,}", _LONG, "name", _has_digit),
    _prefixed("xkeysib-", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("dckr_pat_", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("ATATT3", r"[\w=-]{20,}", _LONG, "name", _has_digit),
    _prefixed("sntrys_", r"[\w=+/-]{20,}", _LONG, "name", _has_digit),
    _prefixed("glsa_", r"\w{20,}", _LONG, "name", _has_digit),
    # Messages, mail, shops
    _family(
        "xox",
        "xox[abceoprs]-",
        r"[A-Za-z0-9-]{10,}",
        "xoxb-12345-" + _LONG,
        "xoxo-love-letters",
        _has_digit,
    ),
    _prefixed("xapp-", r"[A-Za-z0-9-]{10,}", "1-A0-1234567890-" + _HEX, "name", _has_digit),
    SecretPattern(
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>\w+/\w+(?:/\w+)?/\w{8,})",
        "https://hooks.slack.com/services/T0/B0/abcdefgh12345678",
        "https://hooks.slack.com/services/about",
    ),
    SecretPattern(
        "/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/(?P<secret>[0-9]+/[\w-]{20,})",
        f"https://discord.com/api/webhooks/1234/{_LONG}",
        "https://discord.com/api/webhooks/about",
    ),
    SecretPattern(
        ":aa",
        r"(?<![0-9])[0-9]{8,10}:AA[\w-]{33}(?![\w-])",
        f"123456789:AA{_LONG[:33]}",
        "12345678:AAAA",
    ),
    SecretPattern(
        "sg.",
        _at_word(r"SG\.") + r"[\w-]{16,}+\.[\w-]{16,}",
        f"SG.{_LONG[:22]}.{_LONG}",
        "SG.Singapore.gov",
    ),
    _prefixed("key-", r"[0-9a-f]{32}", _HEX, "value"),
    *(
        _prefixed(f"{kind}_", r"\w{10,}", _LONG[:24], "stream_name", _has_digit)
        for kind in ("sk_live", "sk_test", "rk_live", "rk_test")
    ),
    _prefixed("whsec_", r"[A-Za-z0-9+/=]{20,}", _LONG, "name"),
    _family("shp", "shp(?:at|ss|ca|pa)_", r"[0-9a-fA-F]{32}", "shpat_" + _HEX, "shpat_name"),
    _prefixed("sq0", r"(?:atp|csp)-[\w-]{20,}", "atp-" + _LONG, "name", _has_digit),
    _prefixed("lin_api_", r"[A-Za-z0-9]{20,}", _LONG, "name"),
    _prefixed("ntn_", r"[A-Za-z0-9]{20,}", _LONG, "name"),
    _prefixed("figd_", r"[\w-]{20,}", _LONG, "name", _has_digit),
    _prefixed("PMAK-", r"[0-9a-f-]{30,}", _HEX + "-" + _HEX, "name"),
    # HTTP, tokens and key files
    SecretPattern(
        "bearer ",
        r"(?i:\bbearer +)(?=[^\s\"']*[0-9])[A-Za-z0-9._~+/-]{8,}=*",
        "Bearer abc.def-123",
        "the bearer of this letter",
    ),
    SecretPattern(
        "basic ",
        r"(?i:\bbasic +)[A-Za-z0-9+/]{8,}=*",
        "Basic dXNlcjpwYXNzd29yZA==",
        "basic JavaScript",
        _is_basic,
    ),
    SecretPattern(
        "@",
        r"(?<=://)(?P<secret>[^\s/:@\"'\\<>?#$]*+:[^\s/\"'\\<>$]+|[A-Za-z0-9_-]{20,})@",
        "postgres://user:pass@db.example/x",
        "https://a.example:8080/@name",
    ),
    # A first part without further parts is matched as `other`, so that its characters are scanned once.
    SecretPattern(
        "eyj",
        _at_word("eyJ") + r"[\w-]{8,}+(?:\.[\w-]{8,}+\.[\w-]*+|(?P<other>))",
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
        "eyJhbGciOiJI",
    ),
    SecretPattern(
        "age-secret-key-",
        r"AGE-SECRET-KEY-1[0-9A-Z]{30,}",
        "AGE-SECRET-KEY-1" + "QP" * 29,
        "AGE-SECRET-KEY-1",
    ),
    SecretPattern(
        "private key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"[^-]*+(?:-(?!----)[^-]*+)*+(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?",
        "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        _is_key,
    ),
)
"""All patterns; a test finds each example, and no near miss."""

PATTERNS_OF_WORDS = [pattern for pattern in PATTERNS if re.fullmatch(r"[\w.-]+", pattern.hint)]
"""The patterns whose hint stands within one word."""

OTHER_PATTERNS = [pattern for pattern in PATTERNS if pattern not in PATTERNS_OF_WORDS]
