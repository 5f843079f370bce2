"""The JSON Schema of the state of the fake graph. No I/O.

The keys and types are those of LangGraph's message state; the descriptions are our own.
"""

from mockserver.fake.script.state_keys import Reducer, StateKey, StateKeys
from mockserver.formats.json_text import Json

Schema = dict[str, Json]


def _titled(name: str, schema: Schema) -> Schema:
    """Return *schema* with a title, in alphabetical order of the keys."""
    return dict(sorted({**schema, "title": name.replace("_", " ").title()}.items()))


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Schema) -> Schema:
    return {"items": items, "type": "array"}


def _const(word: str) -> Schema:
    return {"const": word, "type": "string"}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _defaulted(schema: Schema, default: Json) -> Schema:
    return {**schema, "default": default}


_TEXT: Schema = {"type": "string"}
_INTEGER: Schema = {"type": "integer"}
_NULL: Schema = {"type": "null"}
_OPEN: Schema = {"additionalProperties": True, "type": "object"}
_OPTIONAL = _either(_TEXT, _NULL)
_STATUS: Schema = {"enum": ["success", "error"], "type": "string"}
_USAGE = _defaulted(_either(_ref("UsageMetadata"), _NULL), None)


def _definition(title: str, required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "additionalProperties": True,
        "description": f"LangChain's class {title}.",
        "properties": {
            key: part if "$ref" in part or part == _USAGE else _titled(key, part)
            for key, part in properties.items()
        },
        **({"required": list(required)} if required else {}),
        "title": title,
        "type": "object",
    }


_CLASSES: dict[str, dict[str, Schema]] = {
    "AI": {
        "tool_calls": _list(_ref("ToolCall")),
        "invalid_tool_calls": _list(_ref("InvalidToolCall")),
        "usage_metadata": _USAGE,
    },
    "Human": {},
    "Chat": {"role": _TEXT},
    "System": {},
    "Function": {"name": _TEXT},
    "Tool": {
        "tool_call_id": _TEXT,
        "artifact": _defaulted({}, None),
        "status": _defaulted(_STATUS, "success"),
    },
}
"""The properties of each class of messages beside the common ones; text is required."""

_CHUNK: dict[str, Schema] = {
    "tool_call_chunks": _list(_ref("ToolCallChunk")),
    "chunk_position": _defaulted(_either(_const("last"), _NULL), None),
}


def _message(name: str, *, chunk: bool) -> Schema:
    title = f"{name}Message{'Chunk' if chunk else ''}"
    kind = title if chunk else name.lower()
    properties = {
        "content": _either(_TEXT, _list(_either(_TEXT, _OPEN))),
        "additional_kwargs": _OPEN,
        "response_metadata": _OPEN,
        "type": _defaulted(_const(kind), kind),
        "name": _defaulted(_OPTIONAL, None),
        "id": _defaulted(_OPTIONAL, None),
        **_CLASSES[name],
        **(_CHUNK if chunk and name == "AI" else {}),
    }
    texts = (key for key, part in _CLASSES[name].items() if part is _TEXT)
    return _definition(title, ("content", *texts), **properties)


_MESSAGES = [_message(name, chunk=chunk) for chunk in (False, True) for name in _CLASSES]
_PARTS = (
    _definition("InputTokenDetails", audio=_INTEGER, cache_creation=_INTEGER, cache_read=_INTEGER),
    _definition(
        "InvalidToolCall",
        ("type", "id", "name", "args", "error"),
        type=_const("invalid_tool_call"),
        **dict.fromkeys(("id", "name", "args", "error"), _OPTIONAL),
        index=_either(_INTEGER, _TEXT),
        extras=_OPEN,
    ),
    _definition("OutputTokenDetails", audio=_INTEGER, reasoning=_INTEGER),
    _definition(
        "ToolCall",
        ("name", "args", "id"),
        name=_TEXT,
        args=_OPEN,
        id=_OPTIONAL,
        type=_const("tool_call"),
    ),
    _definition(
        "ToolCallChunk",
        ("name", "args", "id", "index"),
        **dict.fromkeys(("name", "args", "id"), _OPTIONAL),
        index=_either(_INTEGER, _NULL),
        type=_const("tool_call_chunk"),
    ),
    _definition(
        "UsageMetadata",
        ("input_tokens", "output_tokens", "total_tokens"),
        **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), _INTEGER),
        input_token_details=_ref("InputTokenDetails"),
        output_token_details=_ref("OutputTokenDetails"),
    ),
)

_DEFINITIONS = {
    part["title"]: part for part in sorted((*_MESSAGES, *_PARTS), key=lambda p: p["title"])
}
_CONVERSATION = _list({"oneOf": [_ref(message["title"]) for message in _MESSAGES]})
_TYPES: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: _INTEGER,
    float: {"type": "number"},
    str: _TEXT,
    dict: _OPEN,
    list: _list({}),
}


def _describe_key(name: str, key: StateKey) -> Schema:
    match key.reducer:
        case Reducer.MESSAGES:
            return _titled(name, _CONVERSATION)
        case Reducer.APPEND:
            return _titled(name, _list({}))
        case Reducer.REPLACE if key.default is None:
            return _titled(name, {})
        case Reducer.REPLACE:
            [default] = key.default
            return _titled(name, _defaulted(_TYPES.get(type(default), {}), default))


def describe_state(title: str, keys: StateKeys) -> dict[str, Json]:
    """Return the schemas of a graph whose state has this *title* and these *keys*."""
    properties = {name: _describe_key(name, key) for name, key in keys.keys.items()}
    described = {
        "$defs": _DEFINITIONS,
        "properties": properties,
        **({} if keys.is_declared else {"required": ["messages"]}),
        "title": "State",
        "type": "object",
    }
    updates = {name: _titled(name, _defaulted(part, None)) for name, part in properties.items()}
    return {
        "input_schema": described,
        "output_schema": described,
        "state_schema": {
            "$defs": _DEFINITIONS,
            "properties": updates,
            "title": title,
            "type": "object",
        },
        "config_schema": {},
        "context_schema": None,
    }
