"""What ends a run before its time. No I/O."""

from mockserver.jsontext import Json

_TOLD = frozenset(
    (
        *("ValueError", "TypeError", "KeyError", "AttributeError", "RuntimeError"),
        *("RecursionError", "TimeoutError", "HTTPException", "NotImplementedError"),
        *("ValidationError", "EmptyInputError", "InvalidUpdateError", "GraphRecursionError"),
        "JSONDecodeError",
    )
)
"""Kinds of errors whose message the server passes on."""


class RejectedError(Exception):
    """The run fails with an error of that *kind*, the name of a Python exception, and *message*."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def told(self) -> Json:
        """The error as the server tells it: the message only of kinds that are known to hold no secrets."""
        message = self.message if self.kind in _TOLD else "An internal error occurred"
        return {"error": self.kind, "message": message}


class StoppedError(Exception):
    """The run stops to ask a human, with the interrupts *asked*; with none where the request wanted it to stop."""

    def __init__(self, *asked: Json) -> None:
        super().__init__()
        self.asked = asked
