"""Steps of a script that let the connection go wrong: `status`, `stall`, `cut`. No I/O."""

from dataclasses import dataclass

from mockserver.errors import ReadError, RequestError
from mockserver.formats.strict_yaml import Mapping, get_seconds
from mockserver.http.fault import StatusFault, parse_fault

_MAX_STALL = 3600


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse the run with a response that has another status; nothing else happens."""

    fault: StatusFault


@dataclass(frozen=True, slots=True)
class BreakConnection:
    """Break the connection of the client that started the run, or with *stall* let it wait for so many seconds. The run goes on."""

    stall: float | None = None


def parse_status(item: Mapping) -> Refuse:
    """Return the step that *item* describes; ReadError if its response cannot be sent."""
    try:
        fault = parse_fault(item)
    except RequestError as error:
        raise ReadError(str(error), line=item.line) from None
    assert isinstance(fault, StatusFault)
    return Refuse(fault)


def parse_stall(item: Mapping) -> BreakConnection:
    return BreakConnection(get_seconds(item, "stall", _MAX_STALL))


def parse_cut(item: Mapping) -> BreakConnection:
    if item["cut"] is not True:
        raise ReadError("write `cut: true`", line=item.lines["cut"])
    return BreakConnection()
