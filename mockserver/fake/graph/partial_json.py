"""Parses incomplete JSON. No I/O."""

from mockserver.formats.json_text import Json, loads

_CLOSING = {"{": "}", "[": "]"}


def parse_partial(text: str) -> Json:
    """Return the value of incomplete JSON *text*: open strings and brackets are closed, dangling parts dropped; None for nothing."""
    characters, closing = _close(text)
    while characters:
        try:
            return loads("".join(characters) + closing)
        except ValueError:
            characters.pop()
    return None


def _close(text: str) -> tuple[list[str], str]:
    """Return *text* with an open string closed, and the brackets that close its lists and objects."""
    characters: list[str] = []
    open_ends: list[str] = []
    in_string = escaped = False
    for character in text:
        characters.append(character)
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in _CLOSING:
            open_ends.append(_CLOSING[character])
        elif character in "}]" and (not open_ends or open_ends.pop() != character):
            return [], ""
    if in_string:
        if escaped:
            characters.pop()
        characters.append('"')
    return characters, "".join(reversed(open_ends))
