"""A finding of the linter: its code, where it is, what is wrong and how to fix it. No I/O."""

from dataclasses import asdict, dataclass

from mockserver.formats.json_text import Json
from mockserver.formats.wording import printable
from mockserver.tools.cassette_source import KeyPath, Part

CODES = {
    "not-a-cassette": "the file does not begin with `mockserver: 1`",
    "not-utf8": "bytes that are not UTF-8",
    "not-yaml": "text that is not valid YAML",
    "yaml-feature": "an anchor, an alias or a tag, which a cassette must not use",
    "conflict": "an unresolved git conflict",
    "duplicate-key": "a key that appears twice in one mapping",
    "unknown-key": "a key that the cassette format does not have",
    "malformed": "a value that is not valid for its key",
    "torn": "a last exchange that is incomplete",
    "empty": "a cassette without exchanges, or a document without content",
    "secret": "a value that looks like a secret",
    "type-changed": "a value whose type does not fit its field",
    "unquoted": "text without quotes that other YAML readers load as another type",
    "not-json": "an event or a body that is declared as JSON and is not",
    "content-type": "a content type that the SDKs reject",
    "content-location": "a content-location from which no SDK can read a run id",
    "location": "a location that sends clients to another server",
    "conditional": "a response that only makes sense to the client that was recorded, such as 304 or 206",
    "header": "a header that mockserver sets itself in a replay",
    "never-matched": "a request that can never be matched",
    "duplicate": "an exchange with the same request and response as another, except for reads",
    "shadowed": "a request that equals an earlier one only because of `ignore`",
    "useless-repeat": "a `repeat` that has no effect",
    "useless-ignore": "an `ignore` path that matches nothing",
    "useless-volatile": "a `volatile` pattern that matches nothing",
    "run-id": "a response that names two different runs",
    "no-end": "a run whose end no event stream shows",
}
"""All codes, each with what it finds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at *line* of *file*.

    *exchange* is the number of the exchange in the file, 0 for the header. *fix* says how to fix it; if it is *fixable*, `--fix` does so.
    """

    file: str
    line: int
    code: str
    exchange: int
    message: str
    fix: str
    fixable: bool = False

    def __post_init__(self) -> None:
        assert self.code in CODES

    @property
    def location(self) -> str:
        """File, line, code and exchange: `chat.yaml:12: secret #3`."""
        number = f" #{self.exchange}" if self.exchange else ""
        return f"{self.file}:{self.line}: {self.code}{number}"

    @property
    def advice(self) -> str:
        """How to fix it, and whether `--fix` does so."""
        return printable(f"{self.fix}{' [--fix]' if self.fixable else ''}")

    def __str__(self) -> str:
        return f"{self.location}: {printable(self.message)}: {self.advice}"

    def to_json(self) -> dict[str, Json]:
        facts = asdict(self)
        facts["mend"] = facts.pop("fix")
        return facts


def create_finding(
    part: Part, path: KeyPath, code: str, message: str, fix: str, *, fixable: bool = False
) -> Finding:
    """Return a finding about the value at *path* of *part*."""
    return Finding(part.file, part.line_of(path), code, part.number, message, fix, fixable)
