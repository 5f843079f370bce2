"""Tool calls from all forms in which clients send them. No I/O."""

from mockserver.fake.errors import RunFailed
from mockserver.fake.messages import model
from mockserver.formats.json_text import Json, loads

_REQUIRED = {"name", "args", "id"}


def convert_openai_calls(calls: Json) -> list[Json]:
    """Return *calls* with those in OpenAI's form converted to LangChain's; others are unchanged and unchecked."""
    if not isinstance(calls, list):
        raise RunFailed("TypeError", "tool_calls must be a list")
    return [_convert_openai_call(call) for call in calls]


def check(call: Json) -> Json:
    """Return *call* with exactly the keys of a tool call; raise RunFailed if it is invalid."""
    if not isinstance(call, dict):
        raise RunFailed("AttributeError", "a tool call must be an object")
    if not _REQUIRED <= call.keys() <= _REQUIRED | {"type", "extras"}:
        raise RunFailed("TypeError", "a tool call has the keys `name`, `args` and `id`")
    return model.create_tool_call(call["name"], call["args"], call["id"])


def has_valid_types(call: Json) -> bool:
    """Return whether the parts of the checked *call* have the right types."""
    is_named = isinstance(call["name"], str) and isinstance(call["id"], str | None)
    return is_named and isinstance(call["args"], dict)


def parse_raw(calls: Json) -> tuple[list[Json], list[Json]]:
    """Return OpenAI's *calls* from a message's additional parts: valid ones, and those whose arguments are not JSON. Return none if one has another form."""
    good: list[Json] = []
    bad: list[Json] = []
    for call in calls if isinstance(calls, list) else ():
        match call:
            case {"function": {"name": str(name), "arguments": str(arguments)}}:
                identity = call.get("id")
            case _:
                return [], []
        try:
            good.append(model.create_tool_call(name, loads(arguments) or {}, identity))
        except ValueError:
            bad.append(model.create_invalid_call(name, arguments, identity))
    return good, bad


def _convert_openai_call(call: Json) -> Json:
    match call:
        case {"id": identity, "function": {"name": name, "arguments": args}}:
            try:
                args = loads(args) if isinstance(args, str) else args
            except ValueError as error:
                raise RunFailed("JSONDecodeError", str(error)) from None
            return model.create_tool_call(name, args, identity)
        case {"function": _}:
            raise RunFailed("KeyError", "a tool call needs an id, a name and arguments")
        case _:
            return call
