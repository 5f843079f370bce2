"""The `redact:` rules of a project, applied in addition to the built-in ones. No I/O."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from mockserver.errors import UsageError
from mockserver.formats.user_pattern import UserPattern


def discard(line: str) -> None:
    """Discard *line*."""


@dataclass(frozen=True, slots=True)
class RedactionRules:
    """The project's own `redact:` rules: *patterns* to replace, and *fields* whose JSON values are replaced.

    *report* gets a message for each pattern that took too long.
    """

    patterns: tuple[UserPattern, ...] = ()
    fields: tuple[str, ...] = ()
    report: Callable[[str], None] = field(default=discard, compare=False)

    def combine(self, other: "RedactionRules") -> "RedactionRules":
        """Return these rules together with those of *other*."""
        return replace(
            self,
            patterns=self.patterns + other.patterns,
            fields=self.fields + other.fields,
        )


def parse_rules(
    items: Iterable[object], setting: str = "redact:", file: str | None = None
) -> RedactionRules:
    """Return the rules in the list *items*, the value of *setting* in *file*; UsageError if one is not a rule."""
    place = f"{file}: {setting}" if file else setting
    patterns: list[UserPattern] = []
    fields: list[str] = []
    for item in items:
        if isinstance(item, dict) and len(item) != 1:
            raise UsageError(f"{setting} {item!r} is not a rule (write one key: field or pattern)")
        match item:
            case str(pattern) | {"pattern": str(pattern)}:
                try:
                    patterns.append(UserPattern(pattern, place))
                except ValueError as error:
                    raise UsageError(
                        f"{setting} {pattern!r} is not a regular expression: {error}"
                    ) from None
                if re.match(pattern, ""):
                    raise UsageError(
                        f"{setting} {pattern!r} matches the empty text, so it would match everywhere"
                    )
            case {"field": str(name)} if name:
                fields.append(name)
            case _:
                raise UsageError(
                    f"{setting} {item!r} is not a rule (write a regular expression, or `field: NAME`)"
                )
    return RedactionRules(tuple(patterns), tuple(fields))
