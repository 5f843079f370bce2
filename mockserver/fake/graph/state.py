"""The state of a graph: applies inputs and updates as LangGraph's MessagesState does. No I/O."""

from collections.abc import Iterable

from mockserver.fake.id_generator import IdGenerator
from mockserver.fake.messages import message_json
from mockserver.fake.messages.coercion import REMOVE, coerce_messages
from mockserver.fake.messages.message_json import Message
from mockserver.fake.run_errors import RunFailed
from mockserver.fake.script.state_keys import UNDECLARED, Reducer, StateKeys
from mockserver.formats.json_text import Json, dumps

State = dict[str, Json]

REMOVE_ALL = "__remove_all__"


def create_first_state(keys: StateKeys, value: Json) -> State:
    """Return the state before the input *value*, the first one."""
    if keys.is_declared:
        return keys.create_initial()
    return {} if isinstance(value, dict) and value and "messages" not in value else {"messages": []}


def apply_input(
    value: Json, ids: IdGenerator, before: State | None = None, keys: StateKeys = UNDECLARED
) -> State:
    """Return the state *before* with the input *value* applied; raise RunFailed if the input is invalid."""
    if value is None:
        raise RunFailed("EmptyInputError", "Received no input for __start__")
    if not isinstance(value, dict):
        raise create_update_error(value)
    if before is None:
        before = create_first_state(keys, value)
    return merge_update(before, _coerce_messages(value, keys), ids, "input", keys)


def create_update_error(value: Json) -> RunFailed:
    return RunFailed("InvalidUpdateError", f"Expected an object, got {dumps(value)}")


def apply_command(
    command: dict[str, Json], ids: IdGenerator, keys: StateKeys = UNDECLARED
) -> State:
    """Return the first state of a stateless run with a *command*; raise RunFailed if it has no node to go to.

    As on the real server its update is applied twice, so messages without ids appear twice.
    """
    update = _to_mapping(command.get("update") or {})
    if command.get("resume") is not None:
        raise RunFailed("RuntimeError", "a run without a thread cannot be resumed")
    if not command.get("goto"):
        if not update:
            raise RunFailed("UnboundLocalError", "the command is empty")
        raise RunFailed("TypeError", "a command without `goto` needs a thread")
    state = keys.create_initial()
    for time in ("first", "second"):
        state = merge_update(state, _coerce_messages(update, keys), ids, f"command {time}", keys)
    return state


def apply_update(
    update: Json, state: State, ids: IdGenerator, source: str, keys: StateKeys = UNDECLARED
) -> State:
    """Return *state* with the *update* of a command or a client; raise RunFailed if it is invalid."""
    values = _coerce_messages(_to_mapping(update or {}), keys)
    return merge_update(state, values, ids, source, keys)


def _coerce_messages(values: State, keys: StateKeys) -> State:
    return {
        key: coerce_messages(part) if keys.get_reducer(key) is Reducer.MESSAGES else part
        for key, part in values.items()
    }


def _to_mapping(update: Json) -> State:
    """Return the *update* of a command, which may also be a list of pairs."""
    try:
        return dict(update)
    except (TypeError, ValueError) as error:
        why = "the update must be an object or a list of pairs"
        raise RunFailed(type(error).__name__, why) from None


def merge_update(
    state: State, update: State, ids: IdGenerator, source: str, keys: StateKeys = UNDECLARED
) -> State:
    """Return *state* with *update*: the reducers of *keys* take in the new values."""
    after = dict(state)
    for key, value in update.items():
        match keys.get_reducer(key):
            case Reducer.REPLACE:
                after[key] = value
            case Reducer.APPEND:
                after[key] = append_values(state.get(key, []), value)
            case Reducer.MESSAGES:
                after[key] = merge_messages(state.get(key, []), value, ids, source)
    return keys.sort(after)


def append_values(before: list[Json], new: Json) -> list[Json]:
    """Return the list *before* with *new* appended; raise RunFailed if *new* is no list."""
    if not isinstance(new, list):
        why = f"can only append a list, not {dumps(new)[:40]}"
        raise RunFailed("TypeError", why)
    return [*before, *new]


def merge_messages(
    before: list[Message], new: Iterable[Message], ids: IdGenerator, source: str
) -> list[Message]:
    """Return the messages *before* with the *new* ones added; a message with a known id replaces the old one.

    A message without an id gets one in place, so that other views of it have the same id. RunFailed if a message to remove
    does not exist.
    """
    messages = {message["id"]: message for message in before}
    removed: set[str] = set()
    for number, message in enumerate(new):
        identity = message["id"]
        if identity is None:
            message["id"] = identity = ids.uuid4("message", source, number)
        if message["type"] != REMOVE:
            messages[identity] = message
            removed.discard(identity)
        elif identity == REMOVE_ALL:
            messages.clear()
        elif identity in messages:
            removed.add(identity)
        else:
            raise RunFailed("ValueError", f"there is no message {identity!r} to delete")
    return [message for identity, message in messages.items() if identity not in removed]


def summarize_messages(state: State) -> tuple[str | None, int, int]:
    """Return the last human text (None without messages), the number of human messages, and of assistant messages after the last."""
    if "messages" not in state:
        return None, 0, 0
    last, humans, since = None, 0, 0
    for message in state["messages"]:
        if message["type"] == "human":
            last, humans, since = message, humans + 1, 0
        elif message["type"] == "ai":
            since += 1
    return message_json.get_text(last) if last else "", humans, since
