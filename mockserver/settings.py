"""What a project decides once: `mockserver.yaml`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver import strict
from mockserver.cassette import matching, redaction
from mockserver.cassette.filing import SETTINGS
from mockserver.cassette.model import Policy, Repeat
from mockserver.errors import UsageError
from mockserver.store import files

_KEYS = ("ignore", "redact", "repeat")


@dataclass(frozen=True, slots=True)
class Settings:
    """*policy* for all cassettes, and the project's rules of what to `redact`."""

    policy: Policy = field(default_factory=Policy)
    redact: redaction.Rules = field(default_factory=redaction.Rules)


def load(path: Path | None) -> Settings:
    """Return the settings in *path*; without one those in the working directory, if there are any.

    UsageError, with file and line, where they cannot be read.
    """
    if path is None:
        path = Path(SETTINGS)
        if not path.exists():
            return Settings()
    document = files.read(path, strict.read)
    if document is None:
        return Settings()
    try:
        return _settings(document, str(path))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _settings(document: Any, file: str) -> Settings:
    if not isinstance(document, dict):
        raise UsageError(f"write a mapping with {', '.join(_KEYS)}")
    for key in document:
        if key not in _KEYS:
            raise UsageError(f"there is no setting `{key}` (there are {', '.join(_KEYS)})")
    ignore = document.get("ignore") or []
    if not isinstance(ignore, list) or not all(isinstance(item, str) for item in ignore):
        raise UsageError("ignore must be a list of paths")
    redact = document.get("redact") or []
    if not isinstance(redact, list):
        raise UsageError("redact must be a list of rules")
    repeat = document.get("repeat") or Repeat.LAST
    if repeat not in list(Repeat):
        raise UsageError(f"repeat: {repeat!r} is none of {', '.join(Repeat)}")
    return Settings(
        Policy(matching.rules(tuple(ignore)), Repeat(repeat)),
        redaction.rules(redact, file=file),
    )
