"""What a linter has to say: a code, a place, the fault and the way to mend it. No I/O."""

from dataclasses import asdict, dataclass

from mockserver.formats.json_text import Json
from mockserver.formats.wording import printable

CODES = {
    "not-a-cassette": "the file does not begin with `mockserver: 1`",
    "not-utf8": "bytes that are no UTF-8",
    "not-yaml": "what no YAML reader takes",
    "yaml-feature": "an anchor, an alias or a tag",
    "conflict": "a conflict that git left",
    "duplicate-key": "a key that stands twice in one mapping",
    "unknown-key": "a key that means nothing here",
    "malformed": "a value that makes no sense where it stands",
    "torn": "a last exchange that breaks off",
    "empty": "a cassette without exchanges, or a document without content",
    "secret": "what looks like a secret",
    "type-changed": "a value whose type is not that of its place",
    "unquoted": "a plain text that other YAML readers take for something else",
    "not-json": "an event, or a body, that is not the JSON it says it is",
    "content-type": "a content type that the SDKs do not take",
    "content-location": "a content-location that no SDK can read a run id from",
    "location": "a location that sends clients elsewhere",
    "header": "a header that a replay makes by itself",
    "never-matched": "a request that is never looked for",
    "duplicate": "the same request and answer as another exchange",
    "shadowed": "a request that only `ignore` makes the same as an earlier one",
    "useless-repeat": "a `repeat` that is never asked",
    "useless-ignore": "an `ignore` path that meets nothing",
    "run-id": "an answer that names two runs",
}
"""All codes, each with what it finds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong at *line* of *file*; *exchange* is its number there, 0 in the header; *mend* says how.

    *fixable*: `--fix` mends it.
    """

    file: str
    line: int
    code: str
    exchange: int
    message: str
    mend: str
    fixable: bool = False

    def __post_init__(self) -> None:
        assert self.code in CODES

    @property
    def place(self) -> str:
        """Where it is, and what it is: `chat.yaml:12: secret #3`."""
        number = f" #{self.exchange}" if self.exchange else ""
        return f"{self.file}:{self.line}: {self.code}{number}"

    @property
    def way(self) -> str:
        """How to mend it, and whether `--fix` does."""
        return printable(f"{self.mend}{' [--fix]' if self.fixable else ''}")

    def __str__(self) -> str:
        return f"{self.place}: {printable(self.message)}: {self.way}"

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return asdict(self)
