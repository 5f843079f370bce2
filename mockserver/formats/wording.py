"""Words for people. No I/O."""


def pluralize(number: int, one: str, many: str | None = None) -> str:
    """Return *number* with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def printable(text: str) -> str:
    """Return *text* on one line, and without what a terminal would take for orders."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
