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


_LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
_HEX = "0123456789abcdef0123456789abcdef"
_VALUE = r"""(?![$%{<])[^\s"'<>\\;]{3,}"""
"""What stands for a secret in commands and code; `$PASSWORD` is none."""


def _at_word(start: str) -> str:
    """Return a pattern of *start* at the beginning of a word; a pattern with a literal prefix is a hundred times as fast."""
    return rf"{start}(?<![A-Za-z0-9_-]{start})"


def _prefixed(
    start: str, rest: str, example: str, near_miss: str, check: Callable[[str], bool] = _always
) -> SecretPattern:
    """Return the pattern of a key that is *start* and then *rest*."""
    pattern = _at_word(re.escape(start)) + rest
    return SecretPattern(start.lower(), pattern, start + example, start + near_miss, check)


def _each(
    starts: str, rest: str, example: str = "", check: Callable[[str], bool] = _is_random
) -> list[SecretPattern]:
    """Return the patterns of keys that are one of *starts* and then *rest*."""
    example = example or _LONG
    return [_prefixed(start, rest, example, "name_of_a_thing", check) for start in starts.split()]


def _after(hint: str, before: str, examples: str, secret: str = _VALUE) -> SecretPattern:
    """Return the pattern of a *secret* that stands after *before*, in any case; *examples* are a secret and a near miss."""
    example, near_miss = examples.split("|")
    return SecretPattern(hint, rf"(?i:{before})(?P<secret>{secret})", example, near_miss)


def _parameter(name: str, value: str, example: str) -> SecretPattern:
    """Return the pattern of `name=value`, whose value is the secret."""
    return _after(name.lower(), name + "(?:=|%3d)", f"{name}={example}|{name}=none", value)


def _in_query(name: str, value: str) -> SecretPattern:
    """Return the pattern of the parameter *name* of a query, whose *value* is the secret."""
    return _after(f"{name}=", f"(?<=[?&]){name}=", f"/x?a=1&{name}={_LONG}|/x?{name}=none", value)


PATTERNS = (
    # Services, by the characters of their keys
    _prefixed("sk-", r"[\w-]{8,}", "proj-abcdefgh1234", "container-id-1", _is_random),
    _prefixed("lsv2_", r"\w{6,}", "pt_0123456789abcdef_01", "pt_name", _is_random),
    _prefixed("ls__", r"\w{8,}", "0123456789abcdef", "directory_tree", _is_random),
    _prefixed("AKIA", r"[0-9A-Z]{16}\b", "IOSFODNN7EXAMPLE", "STREET"),
    _prefixed("ASIA", r"[0-9A-Z]{16}\b", "IOSFODNN7EXAMPLE", "PACIFIC"),
    *_each("hf_ gsk_ r8_ pplx- csk- fw_ api_org_ npg_ ghp_ gho_ ghu_ ghs_ ghr_ npm_ dp.pt. lin_api_ ntn_ ATBB AKCp sess- secret_", r"[A-Za-z0-9]{20,}"),
    *_each("e2b_ sk_ fc- key- dop_v1_ sbp_ rubygems_ bkua_ sntryu_ shpat_ shpss_ shpca_ shppa_ dapi", r"[0-9A-Fa-f]{32,}", _HEX),
    *_each("tvly- xai- nvapi- pcsk_ jina_ tgp_v1_ apify_api_ phx_ sb_secret_ AIza ya29. hvs. hvb. hvr. pscale_ github_pat_ pypi- GOCSPX- HRKU- CFPAT- CCIPAT_ tskey- xkeysib- dckr_pat_ glsa_ figd_ PMAK- NRAK- xapp- sq0atp- sq0csp- wandb_v1_", r"[\w-]{16,}"),
    *_each("sk_live_ sk_test_ rk_live_ rk_test_", r"\w{10,}", "", _has_digit),
    *_each("glpat- gldt- glrt- glptt- glcbt-", r"[\w-]{16,}(?:\.[\w-]+)*", "", _has_digit),
    *_each("ATATT3 sntrys_ glc_ whsec_ fm1_ fm2_ ABSKQ", r"[\w=+/-]{20,}"),
    *_each("pa- sl. cflt", r"[\w.+/-]{40,}", _LONG + "g7H8"),
    _prefixed("pat-", r"[a-z]{2,3}[0-9]-[0-9a-f-]{32,}", "na1-" + _HEX, "and-mat"),
    _prefixed("v1.0-", r"[0-9a-f]{24}-[0-9a-f]{64,}", f"{_HEX[:24]}-{_HEX * 2}", "rc1"),
    _prefixed("1//0", r"[\w-]{30,}", _LONG, "1//0", _is_random),
    _prefixed("pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{40,}", f"{_LONG[:14]}.{_HEX * 2}", "h.py"),
    _prefixed("s.", r"[A-Za-z0-9]{24}\b", _LONG[:24], "elements", _is_random),
    SecretPattern(".", r"(?<![\w.-])[MNO][A-Za-z0-9]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])", f"M{_LONG[:23]}.Gabcde.{_LONG[:38]}", "Module.method.attribute", _is_random),
    SecretPattern("eaa", r"EAA(?<![\w+/-]EAA)[\w-]{50,}", "EAAC" + _LONG * 2, "EAAS", _is_random),
    SecretPattern("xox", _at_word("xox[abceoprs]-") + r"[A-Za-z0-9-]{10,}", "xoxb-12345-" + _LONG, "xoxo-love-letters", _has_digit),
    SecretPattern(":aa", r"(?<![0-9])[0-9]{8,10}:AA[\w-]{33}(?![\w-])", f"123456789:AA{_LONG[:33]}", "12345678:AAAA"),
    SecretPattern("sg.", _at_word(r"SG\.") + r"[\w-]{16,}+\.[\w-]{16,}", f"SG.{_LONG[:22]}.{_LONG}", "SG.Singapore.gov"),
    SecretPattern("q~", r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,34}", "abc8Q~" + _LONG[:34], "FAQ~Questions"),
    SecretPattern("-us", r"(?<!\w)[0-9a-f]{32}-us[0-9]{1,2}\b", _HEX + "-us12", "en-us"),
    SecretPattern(".atlasv1.", r"(?<!\w)\w{14}\.atlasv1\.[\w-]{40,}", f"{_LONG[:14]}.atlasv1.{_LONG}", "x.atlasv1.y"),
    SecretPattern("$", r"\$(?:2[abxy]?|apr1|[156]|y|argon2[id]{1,2}|scrypt)\$(?:[\w=,.+/-]{1,80}\$){0,3}[\w.+/=-]{20,}", "$2b$12$" + _LONG, "$5$ off"),
    # Parameters and addresses
    _parameter("AccountKey", r"[A-Za-z0-9+/%]{20,}=*", _LONG + "=="),
    _parameter("SharedAccessKey", r"[A-Za-z0-9+/%]{20,}=*", _LONG + "="),
    _parameter("SharedAccessSignature", r"[^\s\"'<>]{20,}", _LONG),
    _parameter("X-Amz-Signature", r"[0-9a-fA-F]{16,}", _HEX * 2),
    _parameter("X-Amz-Credential", r"[^\s&\"'<>]{16,}", "AKIAIOSFODNN7EXAMPLE%2F20260101"),
    _parameter("X-Amz-Security-Token", r"[^\s&\"'<>]{16,}", _LONG),
    _parameter("X-Goog-Signature", r"[0-9a-fA-F]{16,}", _HEX * 2),
    _in_query("sig", r"[A-Za-z0-9+/%_-]{20,}=*"),
    _in_query("code", r"(?=[^&\s]{0,99}[0-9])[\w.~%/+-]{24,}"),
    _after("/feedback/tokens/", "/feedback/tokens/", f"/feedback/tokens/{_HEX}|/feedback/tokens/new", "[0-9a-f-]{32,}"),
    _after("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/", "https://hooks.slack.com/services/T0/B0/abcdefgh12345678|https://hooks.slack.com/services/about", r"\w+/\w+(?:/\w+)?/\w{8,}"),
    _after("discord", r"discord(?:app)?\.com/api/webhooks/", f"https://discord.com/api/webhooks/1234/{_LONG}|https://discord.com/api/webhooks/about", r"[0-9]+/[\w-]{20,}"),
    _after("webhookb2", r"\.office\.com/webhookb2/", f"https://a.webhook.office.com/webhookb2/{_HEX}@x/y|https://a.webhook.office.com/webhookb2/new", r"[\w@/-]{32,}"),
    # Commands and code
    _after("curl", r"""\bcurl (?:[^\n|;]{0,120}? )??(?:-u ?|--user[ =])["']?[^\s:"']{1,40}:""", "curl -u bob:hunter2 /x|curl -u $USER:$PASS /x"),
    _after("sshpass", r"""\bsshpass -p ?["']?""", "sshpass -p 'hunter2' ssh a|sshpass -p $PASS ssh a"),
    _after("login", r"""\b(?:docker|podman|helm|oras|az|oc) (?:registry )?login (?:[^\n|;]{0,120}? )??(?:-p|--password)[ =]["']?""", "docker login -u a -p hunter2|docker login --password-stdin"),
    _after("mysql", r"""\bmysql (?:[^\n|;]{0,120}? )??-p["']?""", "mysql -u root -phunter2|mysql -u root -p app"),
    _after("redis-cli", r"""\bredis-cli (?:[^\n|;]{0,120}? )??-a ["']?""", "redis-cli -a hunter2|redis-cli -a $PASS"),
    _after("identified", r"\bidentified by +'", "IDENTIFIED BY 'hunter2'|IDENTIFIED BY ?"),
    _after("password", r"\bpassword +'", "WITH PASSWORD 'hunter2'|the password 'hunter'", rf"(?=[^'\s]{{0,99}}[0-9]){_VALUE}"),
    _after("auth", r"""\bauth=\(["'][^"'\s]{1,80}["'], ?["']""", 'get(u, auth=("bob", "hunter2"))|get(u, auth=("bob", password))'),
    _after("machine", r"\bmachine +[\w-]{1,60}\.[\w.-]{1,60}\s+login +\S{1,99}\s+password +", "machine a.example login b password hunter2|machine learning login page password field"),
    _after("oracle", r"oracle:thin:[^\s/@]{1,80}/", "jdbc:oracle:thin:scott/tiger@h|jdbc:oracle:thin:@//h", r"[^\s@/]{3,}"),
    _after("private-lines", r"Private-Lines: [0-9]+\s+", f"Private-Lines: 1\n{_LONG}|Private-Lines: 0", r"[A-Za-z0-9+/=\r\n]{20,}"),
    # HTTP, tokens and key files
    SecretPattern("bearer ", r"(?i:\bbearer +)(?=[^\s\"']*[0-9])[A-Za-z0-9._~+/-]{8,}=*", "Bearer abc.def-123", "the bearer of this letter"),
    SecretPattern("basic ", r"(?i:\bbasic +)[A-Za-z0-9+/]{8,}=*", "Basic dXNlcjpwYXNzd29yZA==", "basic JavaScript", _is_basic),
    SecretPattern("@", r"(?<=://)(?P<secret>[^\s/:@\"'\\<>?#$]*+:[^\s/\"'\\<>$]+|[A-Za-z0-9_-]{20,})@", "postgres://user:pass@db.example/x", "https://a.example:8080/@name"),
    # A first part without further parts is matched as `other`, so that its characters are scanned once.
    SecretPattern("eyj", _at_word("eyJ") + r"[\w-]{8,}+(?:\.(?:[\w-]{8,}+\.[\w-]*+|\.[\w-]{8,}+)(?:\.[\w-]++){0,2}|(?P<other>))", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "eyJhbGciOiJI"),
    SecretPattern("age-secret-key-", r"AGE-SECRET-KEY-1[0-9A-Z]{30,}", "AGE-SECRET-KEY-1" + "QP" * 29, "AGE-SECRET-KEY-1"),
    SecretPattern("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-(?!----)[^-]*+)*+(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", _is_key),
)  # fmt: skip
"""All patterns; a test finds each example, and no near miss."""

PATTERNS_OF_WORDS = [pattern for pattern in PATTERNS if re.fullmatch(r"[\w.-]+", pattern.hint)]
"""The patterns whose hint stands within one word."""

OTHER_PATTERNS = [pattern for pattern in PATTERNS if pattern not in PATTERNS_OF_WORDS]
