"""Check that event streams show the end of each run that a command started. No I/O."""

from collections.abc import Iterator

from mockserver.cassette.event_streams import RunCount, find_run_marks
from mockserver.formats.wording import pluralize
from mockserver.tools.lint.findings import Finding, create_finding
from mockserver.tools.source import CassetteSource, Part


def check_source(source: CassetteSource) -> Iterator[Finding]:
    """Yield a finding for each thread of *source* with a run that does not end, at the last command or stream of the thread."""
    if source.errors or any(part.is_truncated for part in source.parts):
        return  # a part that cannot be read may hold the end
    count = RunCount()
    last_parts: dict[str, Part] = {}
    for part in source.exchanges:
        marks = find_run_marks(part.require_exchange())
        if marks is not None:
            count.add(marks)
            last_parts[marks.thread] = part
    for thread, number in count.find_unended().items():
        message = f"no event stream shows the end of {pluralize(number, 'run')} on {thread}"
        fix = "record it again, and keep the client connected until the run has ended"
        yield create_finding(last_parts[thread], ("request",), "no-end", message, fix)
