"""The parts of a `multipart/…` body. No I/O."""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value

from mockserver.http.messages import Request


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One part: the *headers* that describe it, and its *raw* content."""

    headers: tuple[tuple[str, str], ...]
    raw: bytes


def parse_parts(request: Request) -> tuple[BodyPart, ...] | None:
    """Return the parts of the body of *request*; None if it is not a complete multipart body."""
    kind = Message()
    kind["content-type"] = request.header("content-type") or ""
    boundary = kind.get_boundary()
    if kind.get_content_maintype() != "multipart" or not boundary:
        return None
    delimiter = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    sections = (b"\r\n" + request.body).split(delimiter)
    if sections[0] or not sections[-1].startswith(b"--"):
        return None
    return tuple(map(_parse_part, sections[1:-1]))


def _parse_part(section: bytes) -> BodyPart:
    head, _, raw = section.partition(b"\r\n\r\n")
    message = message_from_bytes(head.lstrip(b" \t\r\n"))
    headers: list[tuple[str, str]] = []
    for name, value in message.items():
        if name.lower() == "content-disposition":
            found = message.get_params(failobj=[], header=name)
            headers += [(key.lower(), collapse_rfc2231_value(text)) for key, text in found if text]
        else:
            headers.append((name.lower(), str(value)))
    return BodyPart(tuple(headers), raw)
