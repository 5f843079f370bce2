"""Tool calls from all forms in which clients send them. No I/O."""

from mockserver.fake.errors import RunFailed
from mockserver.fake.messages import model
from mockserver.formats.json_text import Json, loads

_REQUIRED = ("name", "args", "id")


def from_openai(calls: Json) -> list[Json]:
    """Return *calls* with those in OpenAI's form converted to LangChain's; others are unchanged and unchecked."""
    if not isinstance(calls, str | list | dict):
        raise RunFailed("TypeError", "tool_calls must be a list")
    return [_from_openai(call) for call in calls]


def check(call: Json) -> Json:
    """Return *call* with exactly the keys of a tool call; raise RunFailed if it is invalid."""
    if not isinstance(call, dict):
        raise RunFailed("AttributeError", "a tool call must be an object")
    for key in call:
        if key not in (*_REQUIRED, "type", "extras"):
            raise RunFailed("TypeError", f"a tool call has no key `{key}`")
    for key in _REQUIRED:
        if key not in call:
            raise RunFailed("TypeError", f"a tool call needs the key `{key}`")
    return model.call(call["name"], call["args"], call["id"])


def problems(calls: list[Json]) -> list[str]:
    """Return what is wrong with the parts of *calls*."""
    found: list[str] = []
    for number, call in enumerate(calls):
        if not isinstance(call["name"], str):
            found.append(f"tool_calls[{number}].name must be a string")
        if not isinstance(call["args"], dict):
            found.append(f"tool_calls[{number}].args must be an object")
        if not isinstance(call["id"], str | None):
            found.append(f"tool_calls[{number}].id must be a string")
    return found


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
            good.append(model.call(name, loads(arguments) or {}, identity))
        except ValueError:
            bad.append(
                {
                    "type": "invalid_tool_call",
                    "id": identity,
                    "name": name,
                    "args": arguments,
                    "error": None,
                }
            )
    return good, bad


def _from_openai(call: Json) -> Json:
    if not isinstance(call, str | list | dict):
        raise RunFailed("TypeError", "a tool call must be an object")
    if not isinstance(call, dict) or "function" not in call:
        return call
    args = _part(call["function"], "arguments")
    if isinstance(args, str):
        try:
            args = loads(args)
        except ValueError as error:
            raise RunFailed("JSONDecodeError", str(error)) from None
    return model.call(_part(call["function"], "name"), args, _part(call, "id"))


def _part(value: Json, key: str) -> Json:
    if not isinstance(value, dict):
        raise RunFailed("TypeError", "the function of a tool call must be an object")
    if key not in value:
        raise RunFailed("KeyError", f"'{key}'")
    return value[key]
