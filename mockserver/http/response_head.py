"""The head of an HTTP/1.1 response as bytes, repaired for a strict parser. No I/O."""

import re

_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n(?![ \t])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_INFORMATIONAL = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d ?")
_PROTOCOL = b"HTTP/"


def find_head_end(received: bytes, limit: int) -> int | None:
    """Return where the head in *received* ends, or None if more of it must come.

    What is no head, or longer than *limit*, is for the parser to reject: then it is the length of *received*.
    """
    found = _END.search(received)
    if found:
        return found.end()
    is_head = received[: len(_PROTOCOL)] == _PROTOCOL[: len(received)]
    return None if is_head and len(received) <= limit else len(received)


def is_informational(head: bytes) -> bool:
    """Return whether another head follows this *head*: its status is 1xx, except 101."""
    return _INFORMATIONAL.match(head) is not None


def repair_head(head: bytes) -> bytes:
    """Return *head* without what browsers and curl accept, but strict parsers reject.

    These are lines that are no header field, white space before a colon, a content-length that is repeated or does not count
    because the body is chunked, and `transfer-encoding: identity`.
    """
    if not _END.search(head):
        return head
    status_line, *lines = _LINE_END.split(_END.sub(b"", head))
    fields = [(found[1], found[2].strip()) for line in lines if (found := _FIELD.fullmatch(line))]
    codings = [value.lower() for name, value in fields if name.lower() == b"transfer-encoding"]
    lengths = {
        length.strip()
        for name, value in fields
        if name.lower() == b"content-length"
        for length in value.split(b",")
    }
    repaired = [status_line]
    has_length = any(coding.endswith(b"chunked") for coding in codings)
    for name, value in fields:
        if name.lower() == b"transfer-encoding" and value.lower() == b"identity":
            continue
        if name.lower() == b"content-length":
            if has_length:
                continue
            if len(lengths) == 1:
                (value,) = lengths
                has_length = True
        repaired.append(name + b": " + value)
    return b"\r\n".join((*repaired, b"", b""))
