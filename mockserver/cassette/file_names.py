"""The files that cassettes are kept in, by the names that tests give them. No I/O."""

import re
from hashlib import sha256

SETTINGS_FILE = "mockserver.yaml"
"""The file that holds the settings of a project, and no cassette."""

SUFFIXES = (".yaml", ".yml")

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_MAX_BYTES = 150


def cassette_path(name: str) -> str:
    """Return the path below its folder, with suffix, of the cassette *name*, whose parts `/` divides.

    Any text is a name, and no path leads out of the folder. Two names have two paths, unless it is the suffix that they differ in.
    """
    plain = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
    *folders, last = map(safe_name, plain.split("/"))
    suffix = name[len(plain) :] or SUFFIXES[0]
    if f"{last}{suffix}" == SETTINGS_FILE:
        last = _with_hash(last, last)
    return "/".join((*folders, f"{last}{suffix}"))


def safe_name(part: str) -> str:
    """Return *part* as the name of a file without its suffix.

    Characters that are no good there become dashes, and a name that is not its own any more ends in a few digits that make it one.
    """
    plain = "".join(one if one.isprintable() else "-" for one in _UNSAFE.sub("-", part))
    if plain.startswith("."):
        plain = f"-{plain[1:]}"
    plain = plain.encode()[:_MAX_BYTES].decode(errors="ignore")
    plain = plain.rstrip(". ")
    return part if plain == part and part else _with_hash(plain, part)


def _with_hash(plain: str, name: str) -> str:
    return f"{plain}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
