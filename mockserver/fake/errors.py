"""What ends a run before its time. No I/O."""

import builtins

from mockserver.formats.json_text import Json

_PUBLIC_CLASSES = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, TimeoutError)
_PUBLIC_NAMES = frozenset(
    (
        *("HTTPException", "ValidationError", "JSONDecodeError"),
        *("EmptyInputError", "InvalidUpdateError", "GraphRecursionError"),
    )
)
"""Python's own kinds of errors whose message the server passes on, those derived from them too; and others."""


class RunFailed(Exception):  # noqa: N818
    """The run fails with an error of that *kind*, the name of a Python exception, and *message*."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def payload(self) -> Json:
        """The error as the server tells it: the message only of kinds that are known to hold no secrets."""
        message = self.message if _is_public(self.kind) else "An internal error occurred"
        return {"error": self.kind, "message": message}

    @property
    def repr_text(self) -> str:
        """The error as Python shows it, which a thread keeps of it."""
        return f"{self.kind}({self.message if self.kind == 'KeyError' else repr(self.message)})"


class RunInterrupted(Exception):  # noqa: N818
    """The run stops to ask a human, with the interrupts *asked*; with none where the request wanted it to stop."""

    def __init__(self, *interrupts: Json) -> None:
        super().__init__()
        self.interrupts = interrupts


def _is_public(kind: str) -> bool:
    builtin = getattr(builtins, kind, None)
    return kind in _PUBLIC_NAMES or (
        isinstance(builtin, type) and issubclass(builtin, _PUBLIC_CLASSES)
    )
