"""Tool calls from all the forms in which clients write them. No I/O."""

from mockserver.fake.errors import RejectedError
from mockserver.fake.messages import model
from mockserver.fake.messages.message_errors import mapping_faults, text_faults
from mockserver.formats.json_text import Json, loads

_REQUIRED = ("name", "args", "id")


def renamed(calls: Json) -> list[Json]:
    """Return *calls*, those in OpenAI's form in LangChain's; the others may still be anything."""
    if not isinstance(calls, str | list | dict):
        raise RejectedError("TypeError", f"'{_kind(calls)}' object is not iterable")
    return [_renamed(call) for call in calls]


def checked(call: Json) -> Json:
    """Return the *call* that has all that a tool call needs, and nothing else; RejectedError for any other."""
    if not isinstance(call, dict):
        raise RejectedError("AttributeError", f"'{_kind(call)}' object has no attribute 'items'")
    for key in call:
        if key not in (*_REQUIRED, "type", "extras"):
            raise RejectedError(
                "TypeError", f"tool_call() got an unexpected keyword argument '{key}'"
            )
    missing = [f"'{key}'" for key in _REQUIRED if key not in call]
    if missing:
        raise RejectedError("TypeError", _missing(missing))
    return model.call(call["name"], call["args"], call["id"])


def faults(calls: list[Json]) -> list[str]:
    """Return what is wrong with the parts of *calls*."""
    wrong: list[str] = []
    for number, call in enumerate(calls):
        where = f"tool_calls.{number}"
        wrong += text_faults(f"{where}.name", call["name"])
        wrong += mapping_faults(f"{where}.args", call["args"])
        if call["id"] is not None:
            wrong += text_faults(f"{where}.id", call["id"])
    return wrong


def raw(calls: Json) -> tuple[list[Json], list[Json]]:
    """Return the *calls* in OpenAI's form, among a message's additional parts, and those whose arguments are no JSON.

    Where one is in another form, there are none.
    """
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


def _renamed(call: Json) -> Json:
    if not isinstance(call, str | list | dict):
        raise RejectedError("TypeError", f"argument of type '{_kind(call)}' is not iterable")
    if not isinstance(call, dict) or "function" not in call:
        return call
    args = _part(call["function"], "arguments")
    if isinstance(args, str):
        try:
            args = loads(args)
        except ValueError as error:
            raise RejectedError("JSONDecodeError", str(error)) from None
    return model.call(_part(call["function"], "name"), args, _part(call, "id"))


def _part(value: Json, key: str) -> Json:
    if not isinstance(value, dict):
        raise RejectedError("TypeError", f"'{_kind(value)}' object is not subscriptable")
    if key not in value:
        raise RejectedError("KeyError", f"'{key}'")
    return value[key]


def _missing(names: list[str]) -> str:
    """Return Python's words for arguments that are missing."""
    *others, last = names
    comma = "," if len(others) > 1 else ""
    listed = f"{', '.join(others)}{comma} and {last}" if others else last
    plural = "s" if others else ""
    return f"tool_call() missing {len(names)} required keyword-only argument{plural}: {listed}"


def _kind(value: Json) -> str:
    return type(value).__name__
