"""What can go wrong, each with the HTTP status it answers with.

MockServerError
├── ReadError        a file that cannot be read, with file and line
├── UsageError       an option or a setting that makes no sense
├── RequestError     a request to mockserver itself that makes no sense
├── UpstreamError    the upstream could not be reached or broke off before it answered
├── StorageError     a file that cannot be written
│   └── OutOfFilesError  this process may not open more files or connections
└── SlowPatternError a regular expression of the user that took too long

A message says what, where and how to mend it, in one line. Anything else that is raised is a bug.
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
    "too many open files and connections: further requests wait or are refused: "
    "raise the limit with `ulimit -n`"
)


def is_out_of_files(error: OSError) -> bool:
    """Return whether *error* says that this process, or the machine, may not open more files."""
    return error.errno in (errno.EMFILE, errno.ENFILE)


class MockServerError(Exception):
    """The base of all errors that mockserver raises on purpose."""

    status = 500


class ReadError(MockServerError):
    """A file, or one part of it, cannot be read.

    *problem* says what is wrong and *fix* what to do. *key* is the key of a mapping that is wrong, *suggestion* the key that was probably intended.
    *file* and *line* (from 1) may be filled in on the way up, by the caller that knows them. *code* is the code of the finding in `lint`.
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
        """Return the same error, placed in *file*, its line counted from *first_line* on."""
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
        place = ", ".join(
            part for part in (self.file, self.line and f"line {self.line}") if isinstance(part, str)
        )
        return f"{place}: {self.message}" if place else self.message


class UsageError(MockServerError):
    """An option, an argument or a setting that makes no sense."""


class RequestError(MockServerError):
    """A request to mockserver itself that makes no sense."""

    status = 400


class UpstreamError(MockServerError):
    """The upstream gave no answer; *reached* tells whether it is there at all."""

    status = 502

    def __init__(self, message: str, *, reached: bool = True) -> None:
        super().__init__(message)
        self.reached = reached


class StorageError(MockServerError):
    """A file cannot be written."""


class OutOfFilesError(StorageError):
    """This process may not open more files or connections."""

    status = 503

    def __init__(self) -> None:
        super().__init__(OUT_OF_FILES)


class SlowPatternError(MockServerError):
    """A regular expression that the user has written took longer than its time limit."""
