"""What a project has redacted on top of what is always redacted: its `redact:` rules. No I/O."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from mockserver.errors import UsageError
from mockserver.formats.user_pattern import UserPattern


def discard(line: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class RedactionRules:
    """The project's own `redact:` rules: *patterns* to be replaced, *fields* whose JSON values are.

    *general* are patterns of ours that are looked for too. *tell* takes a line for each pattern that took too long to show something.
    """

    patterns: tuple[UserPattern, ...] = ()
    fields: tuple[str, ...] = ()
    extra_patterns: tuple[re.Pattern[str], ...] = ()
    report: Callable[[str], None] = field(default=discard, compare=False)

    @property
    def search_all(self) -> bool:
        """Whether every text must be searched, since any may hold what a pattern finds."""
        return bool(self.patterns or self.extra_patterns)

    def combine(self, other: "RedactionRules") -> "RedactionRules":
        """Return these rules and those of the *other*."""
        return replace(
            self,
            patterns=self.patterns + other.patterns,
            fields=self.fields + other.fields,
            extra_patterns=self.extra_patterns + other.extra_patterns,
        )


def parse_rules(
    items: Iterable[object], setting: str = "redact:", file: str | None = None
) -> RedactionRules:
    """Return the rules that the list *items* spells, which stands under *setting* in *file*; UsageError where one is none."""
    place = f"{file}: {setting}" if file else setting
    patterns: list[UserPattern] = []
    fields: list[str] = []
    for item in items:
        match item:
            case str(pattern) | {"pattern": str(pattern)}:
                try:
                    patterns.append(UserPattern(pattern, place))
                except ValueError as error:
                    raise UsageError(
                        f"{setting} {pattern!r} is no regular expression: {error}"
                    ) from None
                if re.match(pattern, ""):
                    raise UsageError(f"{setting} {pattern!r} would match everywhere")
            case {"field": str(name)}:
                fields.append(name)
            case _:
                raise UsageError(
                    f"{setting} {item!r} is no rule (write a regular expression, or `field: NAME`)"
                )
    return RedactionRules(tuple(patterns), tuple(fields))
