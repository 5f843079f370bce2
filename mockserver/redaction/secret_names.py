"""Names of headers, fields and parameters that hold secrets, and values that are no secret even there. No I/O."""

import re
from functools import lru_cache
from urllib.parse import unquote

PLACEHOLDER = "REDACTED"
"""What stands in place of a secret."""

_CREDENTIAL_HEADER = re.compile(
    r"(?:proxy-)?authorization|cookie"
    r"|(?:.*-)?(?:api-?key|access-?key|key|token|secret|password|passwd|pwd|jwt|assertion|credentials?|auth|session)"
)
_HARMLESS_HEADER = re.compile(r"sec-.*|idempotency-key|x-mockserver-.*")

_WORDS = (
    *("authorization", "pass", "pwd", "jwt", "credential", "cookie", "sessionid", "passkey"),
    *("access_key_id", "secret_access_key", "pw", "psk", "creds", "pass_phrase", "mdp"),
    *("auth_code", "authorization_code", "code_verifier", "client_assertion", "saml_response"),
    *("samlresponse", "connect_sid", "user_session", "recovery_code", "backup_code"),
    *("seed_phrase", "mnemonic", "csrfmiddlewaretoken"),
)
_KEYS = (
    *("access", "account", "admin", "auth", "client", "consumer", "deploy", "encryption", "hmac"),
    *("license", "master", "root", "service", "service_role", "shared", "signing", "ssh"),
    *("storage", "subscription", "webhook", "app", "user", "tls", "openai", "anthropic", "gemini"),
    *("tavily", "groq", "mistral", "cohere", "langsmith", "langchain", "stripe", "secret"),
    *("azure", "aws", "google", "maps", "github", "hf", "huggingface", "replicate", "deepseek"),
    *("xai", "pinecone", "serpapi", "sendgrid", "mailgun", "twilio", "fernet", "totp"),
)
"""What stands before `key` where that is a secret."""

_CODES = (
    *("verification", "security", "mfa", "2fa", "confirmation", "sms", "one_time", "login", "otp"),
    *("pin", "auth", "authentication"),
)
"""What stands before `code` where that is a secret of digits."""

FIRST_WORDS = "api|secret|private|signing|mot de|cl[eé]|clave|chave|" + "|".join((*_CODES, *_KEYS))
"""The first words of names of two words in texts, such as `api key` or `verification code`."""

_TOKENS = (
    *("access", "admin", "api", "app", "auth", "authentication", "authorization", "bearer", "bot"),
    *("client", "csrf", "deploy", "device", "github", "gitlab", "hf", "id", "identity", "jwt"),
    *("login", "management", "oauth", "personal", "private", "push", "refresh", "registry"),
    *("reset", "root", "sas", "secret", "security", "service", "session", "slack", "user"),
    *("vault", "verification", "webhook", "xsrf", "zugangs", "zugriffs"),
)
"""What stands before `token` where that is a secret; `page_token` and `max_tokens` are none."""

_ENDINGS = (
    *("api_?key", "passwor[dt]", "passwd", "passphrase", "passcode", "secret", "access_?key"),
    *("private_?key", "secret_?key", "(?:j|php)sessi?o?n?id", "masterkey", "signingkey", "authkey"),
    *("encryptionkey", "accountkey", "licensekey", "dbpass", "personalaccesstoken"),
    # German, French, Spanish and Portuguese
    *("kennwort", "geheimnis", "(?:api|geheimer)_?schl(?:ü|ue)ssel", "mot_?de_?passe", "senha"),
    *("contrase(?:ñ|n|ni)a", "palavra_?passe", "token_(?:de_)?ac(?:ceso|cès|ces|esso)"),
    "(?:cl[eé]|clave|chave|jeton)_(?:d_|de_)?(?:api|secr[eèé]t[ae]?|priv[aé][de][ae]?|ac(?:ceso|cès|ces|esso))",
)
"""What holds a secret also as the end of a word, such as `PGPASSWORD`."""

_SUFFIXES = (
    "confirm|confirmation|again|repeat|value|prod|production|dev|test|stage|staging|live|old|new|current|previous"
    "|primary|secondary|default|base|string|text|pem|b64|usuario|utilisateur|benutzer"
)
_SECRET_NAME = re.compile(
    rf"(?:(?:.*_)?(?:{'|'.join(_WORDS)}|(?:{'|'.join(_KEYS)})_key|(?:{'|'.join(_TOKENS)})_?token)"
    rf"|.*(?:{'|'.join(_ENDINGS)}))(?:s|_?[0-9]{{1,4}}|_(?:{_SUFFIXES}))?"
)
_LOCATION_NAME = re.compile(
    r"(?:.*_)?(?:dsn|(?:database|db|redis|mongo|mongodb|postgres|amqp|broker)_ur[il]|conn_str|connection_?string)"
)
_PIN_NAME = re.compile(rf"(?:.*_)?(?:pin|otp|totp|cvv|(?:{'|'.join(_CODES)})_code)")
_PASSWORD_NAME = re.compile(r"(?:.*_)?(?:.*passcode|.*passwor[dt]|.*passwd|pwd|senha|kennwort)")
_TOKEN_NAME = re.compile(
    r"(?!(?:.*_)?(?:page|next|prev|previous|start|end|stop|first|last|sync|cursor|continuation|pagination|resume)_)"
    r"(?:.*_)?(?:token|auth|clave|chave|jeton)"
)
_QUERY_NAME = re.compile(r"(?:x_(?:amz|goog)_)?sig(?:nature)?|code")
"""The names of query parameters that hold a secret if it is random."""

_QUESTION = re.compile(r"(?:is|has|use|needs|requires?|show|hide|no)_.*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\W_]+")
_MAX_NAME = 200
"""How many characters of a name are looked at, its last ones: a long image is one word."""

_NO_SECRETS = frozenset(
    (
        *("", "true", "false", "null", "none", "undefined", "nil", "string", "str", "required"),
        *("optional", "same-origin", "include", "omit", "yes", "no", "basic", "bearer", "digest"),
        *("boolean", "number", "integer", "object", "array", "any", "text", "varchar", "missing"),
        *(
            "unset",
            "not set",
            "n/a",
            "unknown",
            "hidden",
            "masked",
            "oauth2",
            "hs256",
            "rs256",
            "mit",
        ),
    )
)
_REFERENCE = re.compile(
    r"\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>|%\(.*\)s|%s|\{\w*\}|[$:][A-Za-z_]\w*|[*•]+|[xX]{3,}|\.{3}|[A-Z]+(?:_[A-Z]+)+|(?i:your)[-_ ].*|.*\.\.\.|\w+[-_][xX]{3,}",
    re.DOTALL,
)
"""A value that only says where the secret comes from, such as `${API_KEY}`, or that hides it."""

_SCHEME = re.compile(r"^(?:bearer|basic|token) +(?=\S)", re.IGNORECASE)
_SENTENCE = re.compile(r"\w+(?:,? [\w'\u2019-]+){2,}[.?]")
_RULE = re.compile(
    r"(?:is|must|can(?:not|['\u2019]t)|should|does(?: not|n['\u2019]t)|needs|too) [\w ,.:()'\u2019-]+",
    re.IGNORECASE,
)
"""What a form says of a field: `is too short (minimum is 8 characters)`."""

_LABEL = re.compile(r"[^\W\d_]+(?: [^\W\d_]+){1,4}[.!?:\u2026]?")
_PATH = re.compile(r"[/~.].*|[A-Za-z]:\\.*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_-]{1,15}")
_OTHER_KEY = re.compile(r"(?!.*(?:api|access|private|secret)_key).*_key|.*device_token")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RANDOM = re.compile(r"(?!\w+://)(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])\S{16,}")
_PIN = re.compile(r"[0-9]{3,12}")


def is_secret_name(name: str) -> bool:
    """Return whether a field, header or parameter with this *name* may hold a secret; `covers_value` says whether its value is one."""
    return _classify(name[-_MAX_NAME:]) is not None


def covers_value(name: str, value: str) -> bool:
    """Return whether the *value* of the field *name* is a secret as a whole."""
    kind = _classify(name[-_MAX_NAME:])
    if kind is None or is_harmless(value) or value.lower() == name.lower():
        return False
    if "_" in value and is_secret_name(value):
        return False  # another name, such as `db_password`
    words = _words(name)
    if _LABEL.fullmatch(value) and words.rpartition("_")[2] in value.lower().split():
        return False  # what a form shows, such as `{"password": "New password"}`
    if words.endswith("pwd") and _PATH.fullmatch(value):
        return False  # the working directory
    if words.endswith("s") and _WORD.fullmatch(value) and not words.endswith("pass"):
        return False  # a list of names
    if _WORD.fullmatch(value) and _OTHER_KEY.fullmatch(words):
        return False  # the name of a key, such as `{"service_key": "billing"}`
    if kind is _LOCATION_NAME:
        return "@" in value
    if kind is _PIN_NAME:
        return _PIN.fullmatch(value) is not None
    if kind is _TOKEN_NAME:
        return _RANDOM.fullmatch(value) is not None and _UUID.fullmatch(value) is None
    return True


def covers_header(name: str, value: str) -> bool:
    """Return whether the *value* of the header *name* is a secret: every value of such a header is."""
    return is_secret_name(name) and value not in ("", PLACEHOLDER)


def covers_parameter(name: str, value: str) -> bool:
    """Return whether the *value* of the query parameter *name* is the signature of an address, or a code to log in."""
    is_signature = _QUERY_NAME.fullmatch(_words(name[-_MAX_NAME:])) and _RANDOM.fullmatch(value)
    return bool(is_signature)


def covers_number(name: str, number: str) -> bool:
    """Return whether a *number* in the field *name* is a secret: that of a password, but not `"secret": 42`."""
    kind = _classify(name[-_MAX_NAME:])
    if kind is _PIN_NAME:
        return _PIN.fullmatch(number) is not None
    return kind is not None and bool(_PASSWORD_NAME.fullmatch(_words(name)))


def is_harmless(value: str) -> bool:
    """Return whether *value* is no secret under any name: empty, redacted, a word such as `none`, or a reference such as `${API_KEY}`."""
    value = _SCHEME.sub("", value)
    return (
        value.startswith(PLACEHOLDER)
        or _SENTENCE.fullmatch(value) is not None
        or _RULE.fullmatch(value) is not None
        or value.strip().rstrip("?").lower() in _NO_SECRETS
        or _REFERENCE.fullmatch(value) is not None
    )


@lru_cache(maxsize=1024)
def is_credential_header(name: str) -> bool:
    """Return whether a request header with this *name* holds a credential."""
    dashed = name.replace("_", "-")
    return bool(_CREDENTIAL_HEADER.fullmatch(dashed)) and not _HARMLESS_HEADER.fullmatch(dashed)


@lru_cache(maxsize=4096)
def _classify(name: str) -> re.Pattern[str] | None:
    """Return the pattern that *name* matches, or None if it is not the name of a secret."""
    words = _words(name)
    if _QUESTION.fullmatch(words):
        return None
    kinds = (_PIN_NAME, _SECRET_NAME, _LOCATION_NAME, _TOKEN_NAME)
    return next((kind for kind in kinds if kind.fullmatch(words)), None)


def _words(name: str) -> str:
    """Return the words of *name* in lower case: `openai_api_key` for `openaiApiKey`, `filter_api_key` for `filter%5Bapi_key%5D`."""
    return _SEPARATORS.sub("_", _CAMEL.sub("_", unquote(name))).strip("_").lower()
