"""Words for people. No I/O."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return *number* with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
