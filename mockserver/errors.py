"""The errors of mockserver, each with its HTTP status.

MockServerError
├── ReadError        a file that cannot be read, with file and line
├── UsageError       an invalid option, argument or setting
├── RequestError     an invalid request to mockserver itself
├── UpstreamError    the upstream cannot be reached, or did not send a complete response
├── StorageError     a file that cannot be written
│   └── OutOfFilesError  this process cannot open more files or connections
└── SlowPatternError a regular expression of the user took too long

A message is one line: what is wrong, where, and what to do. Any other exception is a bug.
"""

import errno

__all__ = [
    "OUT_OF_FILES",
    "MockServerError",
    "OutOfFilesError",
    "ReadError",
    "RequestError",
    "SlowPatternError",
    "StorageError",
    "UpstreamError",
    "UsageError",
    "is_out_of_files",
]


OUT_OF_FILES = (
    "too many open files and connections: further requests wait or are rejected; "
    "raise the limit with `ulimit -n`"
)


def is_out_of_files(error: OSError) -> bool:
    """Return whether *error* means that this process or the machine cannot open more files."""
    return error.errno in (errno.EMFILE, errno.ENFILE)


class MockServerError(Exception):
    """The base class of the errors of mockserver."""

    status = 500


class ReadError(MockServerError):
    """A file, or a part of it, cannot be read.

    *problem* says what is wrong and *fix* what to do. *key* is the key of a mapping that is wrong, *suggestion* the key that was probably intended.
    *line* counts from 1. A caller that knows *file* and *line* can add them with `at`. *code* is the code of the lint finding.
    """

    def __init__(
        self,
        problem: str,
        *,
        line: int | None = None,
        file: str | None = None,
        code: str = "malformed",
        key: str | None = None,
        suggestion: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem = problem
        self.line = line
        self.file = file
        self.code = code
        self.key = key
        self.suggestion = suggestion
        self.fix = fix
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The problem and what to do, without file and line."""
        if self.suggestion is not None:
            return f"{self.problem}: did you mean `{self.suggestion}`?"
        return self.problem if self.fix is None else f"{self.problem}: {self.fix}"

    def at(self, *, file: str | None = None, first_line: int = 1) -> "ReadError":
        """Return this error with *file*, and with *line* relative to *first_line* of that file."""
        return ReadError(
            self.problem,
            line=first_line if self.line is None else self.line + first_line - 1,
            file=self.file or file,
            code=self.code,
            key=self.key,
            suggestion=self.suggestion,
            fix=self.fix,
        )

    def __str__(self) -> str:
        location = ", ".join(
            part for part in (self.file, self.line and f"line {self.line}") if isinstance(part, str)
        )
        return f"{location}: {self.message}" if location else self.message


class UsageError(MockServerError):
    """An option, an argument or a setting is invalid."""


class RequestError(MockServerError):
    """A request to mockserver itself is invalid."""

    status = 400


class NotFoundError(RequestError):
    """A request to mockserver itself is for something that does not exist."""

    status = 404


class UpstreamError(MockServerError):
    """The upstream sent no complete response; *reached* says whether it could be reached."""

    def __init__(self, message: str, *, reached: bool = True, status: int = 502) -> None:
        super().__init__(message)
        self.status = status
        self.reached = reached


class StorageError(MockServerError):
    """A file cannot be written."""


class OutOfFilesError(StorageError):
    """This process cannot open more files or connections."""

    status = 503

    def __init__(self) -> None:
        super().__init__(OUT_OF_FILES)


class SlowPatternError(MockServerError):
    """A regular expression of the user took longer than its time limit."""
