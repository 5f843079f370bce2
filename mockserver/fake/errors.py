"""What ends a run before its time. No I/O."""

import builtins

from mockserver.formats.json_text import Json

_TOLD = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, TimeoutError)
_TOLD_TOO = frozenset(
    (
        *("HTTPException", "ValidationError", "JSONDecodeError"),
        *("EmptyInputError", "InvalidUpdateError", "GraphRecursionError"),
    )
)
"""Python's own kinds of errors whose message the server passes on, those derived from them too; and others."""


class RejectedError(Exception):
    """The run fails with an error of that *kind*, the name of a Python exception, and *message*."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def told(self) -> Json:
        """The error as the server tells it: the message only of kinds that are known to hold no secrets."""
        message = self.message if _is_told(self.kind) else "An internal error occurred"
        return {"error": self.kind, "message": message}

    @property
    def shown(self) -> str:
        """The error as Python shows it, which a thread keeps of it."""
        return f"{self.kind}({self.message if self.kind == 'KeyError' else repr(self.message)})"


class StoppedError(Exception):
    """The run stops to ask a human, with the interrupts *asked*; with none where the request wanted it to stop."""

    def __init__(self, *asked: Json) -> None:
        super().__init__()
        self.asked = asked


def _is_told(kind: str) -> bool:
    own = getattr(builtins, kind, None)
    return kind in _TOLD_TOO or (isinstance(own, type) and issubclass(own, _TOLD))
