"""Helpers for messages to users. No I/O."""


def pluralize(number: int, singular: str, plural: str | None = None) -> str:
    """Return *number* with its noun in singular or plural: `1 event`, `2 events`."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def printable(text: str) -> str:
    """Return *text* on one line, with control characters escaped."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
