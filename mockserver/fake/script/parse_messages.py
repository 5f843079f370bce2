"""Parses the messages in a script: what the assistant says, and its tool calls. No I/O."""

from collections.abc import Callable
from typing import Any

from mockserver.errors import ReadError
from mockserver.fake.script.model import Speak, ToolCall
from mockserver.fake.script.topology import TOOLS
from mockserver.formats.json_text import Json
from mockserver.formats.strict_yaml import (
    Mapping,
    Sequence,
    check_keys,
    get_count,
    get_items,
    get_mapping,
    get_only_key,
    get_seconds,
    get_typed,
    iter_texts,
    map_items,
)

MAX_DELAY = 60
"""Limit for each time in `pace` and for `every`, in seconds."""

_MESSAGE_KEYS = ("id", "name", "usage", "metadata", "response_metadata")
_CALL_KEYS = ("args", "result", "fails", "ask", "artifact", "status")
_FORMS = "a text, a list of content blocks, `{file: NAME}` or `{one_of: [TEXT, …]}`"
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")
_DETAILS = ("input_token_details", "output_token_details")

ReadFile = Callable[[str], str]
"""Returns the text of a file that a script names; raises OSError or UnicodeDecodeError."""


def read_files(steps: Any, read_file: ReadFile | None) -> None:
    """Put the text in place of each `say: {file: NAME}` in *steps*, which have not been checked yet; ReadError if it cannot be read."""
    for item in steps if isinstance(steps, Sequence) else ():
        if isinstance(item, Mapping):
            read_file_in(item, "say", read_file)
            read_files(item.get("delegate"), read_file)


def read_file_in(part: Mapping, key: str, read_file: ReadFile | None) -> None:
    """Put the text in place of `{file: NAME}` in *key* of *part*; ReadError if it cannot be read."""
    value = part.get(key)
    if not (isinstance(value, Mapping) and "file" in value):
        return
    check_keys(value, ("file",), f"`{key}` with a file")
    name, line = parse_text(value, "file"), value.lines["file"]
    if read_file is None:
        raise ReadError("file: this script is not in a file", line=line)
    try:
        part[key] = read_file(name)
    except OSError as error:
        raise ReadError(f"file: {name}: {error.strerror}", line=line) from None
    except UnicodeDecodeError:
        raise ReadError(f"file: {name}: is not UTF-8 text", line=line) from None
    if not part[key]:
        raise ReadError(f"file: {name}: is empty", line=line)


def _parse_say(item: Mapping) -> Speak:
    every = get_seconds(item, "every", MAX_DELAY) if "every" in item else None
    return Speak(every=every, **_parse_content(item, "say"), **_parse_parts(item))


def parse_answer(part: Mapping, key: str) -> Speak:
    """Return the message in *key* of *part*, which may be written in all forms of `say`."""
    return Speak(**_parse_content(part, key))


def _parse_calls(item: Mapping) -> Speak:
    if "call" in item:
        calls: tuple[ToolCall, ...] = (_parse_call(item),)
    else:
        calls = map_items(get_items(item, "calls", "calls"), _parse_one_call)
    node = get_typed(item, "tools", str) or TOOLS
    return Speak(calls=calls, tool_node=node, **_parse_parts(item))


def _parse_call(item: Mapping) -> ToolCall:
    args = get_typed(item, "args", Mapping)
    outcome = get_only_key(item, ("result", "fails"), "a call")
    if outcome is None:
        why = "a call needs a `result`: what the tool says (or `fails`: what went wrong)"
        raise ReadError(why, line=item.line)
    result = item[outcome] if outcome == "result" else parse_text(item, outcome)
    status = get_typed(item, "status", str)
    if status is not None:
        get_only_key(item, ("fails", "status"), "a call")
    if status not in (None, "success", "error"):
        raise ReadError("status: write `success` or `error`", line=item.lines["status"])
    failed = outcome == "fails" or status == "error"
    tool = parse_text(item, "call")
    return ToolCall(tool, args or {}, result, item.get("ask"), failed, item.get("artifact"))


def parse_text(item: Mapping, key: str) -> str:
    text = get_typed(item, key, str)
    if not text:
        raise ReadError(f"`{key}` must be a text", line=item.lines[key])
    return text


def _parse_content(part: Mapping, key: str) -> dict[str, Any]:
    """Return the content in *key* of *part* as arguments of Speak."""
    line = part.lines[key]
    match part[key]:
        case str(text) if text:
            return {"text": text}
        case Sequence() as items if items:
            return {"blocks": map_items(items, _parse_block)}
        case Mapping() as options if options:
            check_keys(options, ("file", "one_of"), f"`{key}`")
            texts = tuple(iter_texts(get_items(options, "one_of", "texts"), "`one_of`"))
            if not all(texts):
                raise ReadError("`one_of` must be a list of texts", line=line)
            return {"one_of": texts}
        case _:
            pass
    raise ReadError(f"`{key}` must be {_FORMS}", line=line)


def _parse_block(item: Any, line: int) -> dict[str, Json]:
    if not isinstance(item, Mapping) or not get_typed(item, "type", str):
        why = "a content block is a mapping with a `type`, such as `{type: text, text: Hello}`"
        raise ReadError(why, line=line)
    return item


def _parse_parts(item: Mapping) -> dict[str, Any]:
    """Return the _MESSAGE_KEYS of *item* as arguments of Speak."""
    parts: dict[str, Any] = {key: parse_text(item, key) for key in ("id", "name") if key in item}
    mappings = ("metadata", "response_metadata")
    parts |= {key: get_mapping(item, key) for key in mappings if key in item}
    if "usage" in item:
        parts["usage"] = _parse_usage(get_mapping(item, "usage"))
    return parts


def _parse_usage(part: Mapping) -> dict[str, Json]:
    check_keys(part, (*_COUNTS, *_DETAILS), "usage")
    usage: dict[str, Json] = {key: get_count(part, key) or 0 for key in _COUNTS}
    if "total_tokens" not in part:
        usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]
    for key in _DETAILS:
        if key in part:
            details = get_mapping(part, key)
            usage[key] = {name: get_count(details, name) or 0 for name in details}
    return usage


def _parse_one_call(item: Any, line: int) -> ToolCall:
    if not isinstance(item, Mapping) or "call" not in item:
        raise ReadError("`calls` must be a list of calls", line=line)
    check_keys(item, ("call", *_CALL_KEYS), "a call")
    return _parse_call(item)


MESSAGE_STEPS: dict[str, tuple[tuple[str, ...], Callable[[Mapping], Speak]]] = {
    "say": (("every", *_MESSAGE_KEYS), _parse_say),
    "reason": ((), lambda item: Speak(reasoning=parse_text(item, "reason"))),
    "call": ((*_CALL_KEYS, "tools"), _parse_calls),
    "calls": ((*_MESSAGE_KEYS, "tools"), _parse_calls),
}
"""The steps with a message by their key: the other keys that each may have, and what reads it."""
