"""Map cassette names to file names. No I/O."""

import re
from hashlib import sha256
from unicodedata import normalize

SETTINGS_FILE = "mockserver.yaml"
"""The settings file of a project; it is never a cassette."""

SUFFIXES = (".yaml", ".yml")

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_MAX_BYTES = 150


def cassette_path(name: str) -> str:
    """Return the relative path, with suffix, of the cassette *name*, whose parts are separated by `/`.

    Any text is a valid name, and the path never leaves the folder. Different names have different paths, unless only the
    suffix differs.
    """
    name = normalize("NFC", name)
    plain = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
    *folders, last = map(safe_name, plain.split("/"))
    suffix = name[len(plain) :] or SUFFIXES[0]
    if f"{last}{suffix}" == SETTINGS_FILE:
        last = _with_hash(last, last)
    return "/".join((*folders, f"{last}{suffix}"))


def safe_name(part: str) -> str:
    """Return *part* as a file name without suffix.

    Unsafe characters become dashes; a changed name gets a hash suffix, so that it stays unique.
    """
    plain = "".join(one if one.isprintable() else "-" for one in _UNSAFE.sub("-", part))
    if plain.startswith("."):
        plain = f"-{plain[1:]}"
    plain = plain.encode()[:_MAX_BYTES].decode(errors="ignore")
    plain = plain.rstrip(". ")
    return part if plain == part and part else _with_hash(plain, part)


def _with_hash(plain: str, name: str) -> str:
    return f"{plain}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
