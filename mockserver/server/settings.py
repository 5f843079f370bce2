"""The settings of a project: `mockserver.yaml`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mockserver.cassette.file_names import SETTINGS_FILE
from mockserver.cassette.model import Policy, Repeat
from mockserver.errors import UsageError
from mockserver.formats import strict_yaml
from mockserver.http import access
from mockserver.matching.rules import MatchRules, merge_rules
from mockserver.redaction import redactor
from mockserver.store import discovery

_FALSE = ("", "0", "false", "no", "off")
_KEYS = ("ignore", "volatile", "redact", "repeat", "derive", "allow_origin", "allow_host", "prefix")


@dataclass(frozen=True, slots=True)
class Settings:
    """The *policy* of all cassettes, the rules of what to *redact*, the allowed origins and hosts, whether to *derive* responses, and the path *prefix*."""

    policy: Policy = field(default_factory=Policy)
    redact: redactor.RedactionRules = field(default_factory=redactor.RedactionRules)
    allow_origin: tuple[str, ...] = ()
    allow_host: tuple[str, ...] = ()
    derive: bool = True
    """Whether responses may be made from recorded ones of the same run."""
    prefix: str = ""
    """The path below which clients expect the server."""

    def allowing(self, origins: Iterable[str], hosts: Iterable[str]) -> "Settings":
        """Return these settings with *origins* and *hosts* also allowed."""
        return replace(
            self, allow_origin=(*self.allow_origin, *origins), allow_host=(*self.allow_host, *hosts)
        )


def is_in_ci() -> bool:
    """Return whether the environment variable CI says that this runs in a CI job."""
    return os.environ.get("CI", "").strip().lower() not in _FALSE


def read_upstream_headers() -> dict[str, str]:
    """Return the headers in the environment variables MOCKSERVER_UPSTREAM_HEADER and MOCKSERVER_UPSTREAM_API_KEY.

    UsageError if one of them has another form.
    """
    variable = "MOCKSERVER_UPSTREAM_HEADER"
    lines = access.split_header_lines(os.environ.get(variable, ""))
    headers = dict(access.parse_each(access.parse_header, lines, variable))
    key = os.environ.get("MOCKSERVER_UPSTREAM_API_KEY", "").strip()
    return {**headers, "x-api-key": key} if key else headers


def find_file(root: Path) -> Path:
    """Return the settings file of the project in *root*, an empty file if it has none: the working directory may be another project."""
    path = root / SETTINGS_FILE
    return path if path.exists() else Path(os.devnull)


def load(path: Path | None) -> Settings:
    """Return the settings in *path*, by default those in the working directory, or empty settings.

    Raise UsageError, with file and line, if they cannot be read.
    """
    if path is None:
        path = Path(SETTINGS_FILE)
        if not path.exists():
            return Settings()
    document = discovery.parse_file(path, strict_yaml.parse)
    if document is None:
        return Settings()
    try:
        return _parse_settings(document, str(path))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _parse_settings(document: Any, file: str) -> Settings:
    if not isinstance(document, dict):
        raise UsageError(f"the file must be a mapping with the keys {', '.join(_KEYS)}")
    for key in document:
        if key not in _KEYS:
            raise UsageError(f"unknown setting `{key}`; the settings are {', '.join(_KEYS)}")
    ignore = _parse_strings(document, "ignore", "paths")
    volatile = _parse_strings(document, "volatile", "regular expressions")
    rules = merge_rules(MatchRules(tuple(ignore), tuple(volatile)))
    origins = _parse_strings(document, "allow_origin", "origins")
    hosts = _parse_strings(document, "allow_host", "names")
    redact = document.get("redact")
    if not isinstance(redact, list | None):
        raise UsageError("redact must be a list of rules")
    repeat = document.get("repeat")
    if repeat not in (None, *Repeat):
        raise UsageError(f"repeat: {repeat!r} is not one of {', '.join(Repeat)}")
    derive = document.get("derive", True)
    if not isinstance(derive, bool):
        raise UsageError(f"derive: {derive!r} is not true or false")
    prefix = document.get("prefix") or ""
    if not isinstance(prefix, str):
        raise UsageError("prefix must be a path")
    return Settings(
        Policy(rules.ignore, Repeat(repeat or Repeat.LAST), volatile=rules.volatile),
        redactor.parse_rules(redact or [], file=file),
        access.parse_each(access.parse_origin, origins, "allow_origin"),
        access.parse_each(access.parse_host, hosts, "allow_host"),
        derive,
        *access.parse_each(access.parse_prefix, [prefix], "prefix"),
    )


def _parse_strings(document: dict[str, Any], key: str, kind: str) -> list[str]:
    """Return the list of strings under *key*; *kind* names them in the error."""
    strings = document.get(key)
    if strings is None:
        return []
    if not isinstance(strings, list) or not all(isinstance(each, str) for each in strings):
        raise UsageError(f"{key} must be a list of {kind}")
    return strings
