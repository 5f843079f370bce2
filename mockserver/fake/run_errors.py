"""The exceptions that end a run early. No I/O."""

import builtins

from mockserver.formats.json_text import Json
from mockserver.http.fault import StatusFault

_PUBLIC_CLASSES = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, TimeoutError)
_PUBLIC_NAMES = (
    *("HTTPException", "ValidationError", "JSONDecodeError"),
    *("EmptyInputError", "InvalidUpdateError", "GraphRecursionError"),
)
"""The server sends the message of these kinds of errors, and of subclasses of `_PUBLIC_CLASSES`; others may hold secrets."""


class RunFailed(Exception):  # noqa: N818
    """The run fails with an error of this *kind*, the name of a Python exception, and *message*."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def payload(self) -> Json:
        """The error as the server sends it; the message is hidden unless its kind is known to hold no secrets."""
        builtin = getattr(builtins, self.kind, None)
        is_public = self.kind in _PUBLIC_NAMES or (
            isinstance(builtin, type) and issubclass(builtin, _PUBLIC_CLASSES)
        )
        message = self.message if is_public else "An internal error occurred"
        return {"error": self.kind, "message": message}

    @property
    def repr_text(self) -> str:
        """The error as Python's `repr` shows it; a thread stores it in this form."""
        return f"{self.kind}({self.message if self.kind == 'KeyError' else repr(self.message)})"


class RunRefused(RunFailed):
    """The run is refused with the response of *fault*."""

    def __init__(self, fault: StatusFault) -> None:
        super().__init__("HTTPException", f"status {fault.status}")
        self.fault = fault


class RunInterrupted(Exception):  # noqa: N818
    """The run stops with these *interrupts* for a human, or with none because the request asked it to stop."""

    def __init__(self, *interrupts: Json) -> None:
        super().__init__()
        self.interrupts = interrupts
