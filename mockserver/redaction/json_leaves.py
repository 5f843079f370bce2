"""The values of a JSON text, with the names under which they stand. No I/O."""

from collections.abc import Iterator
from typing import NamedTuple

from mockserver.formats.json_scan import Array, Object, Scalar, Scanned, string_positions
from mockserver.formats.json_text import dumps
from mockserver.redaction.secret_names import is_secret_name
from mockserver.redaction.text_edits import DecodedText

Path = tuple[str | int, ...]

_NAME_KEYS = ("name", "key", "field", "header", "variable", "label", "k")
_VALUE_KEYS = ("value", "values", "val", "v")
_ABOUT_FIELDS = frozenset(
    ("errors", "labels", "placeholder", "placeholders", "i18n", "translations")
)
"""Keys of objects that say something about fields, such as `{"errors": {"password": "too short"}}`."""

_ID_KEYS = ("id", "run_id", "message_id", "messageid", "tool_call_id", "toolcallid")
_ID_KEYS_OF_PIECES = ("run_id", "message_id", "messageid")
"""The keys of ids that all pieces of a message have."""


class Leaf(NamedTuple):
    """A value that is not a list or object.

    *name* is the key that says what it is: its own, that of the list around it, or the `name` beside its `value`. *path* leads to
    it, and *ids* are those of the objects around it. A key of an object is a leaf, too, with *is_key*.
    """

    scalar: Scalar
    name: str
    path: Path
    ids: tuple[str, ...]
    is_key: bool = False


def leaves(root: Scanned) -> Iterator[Leaf]:
    """Yield the leaves below *root*."""
    pending: list[tuple[Scanned, str, Path, tuple[str, ...]]] = [(root, "", (), ())]
    while pending:
        value, name, path, ids = pending.pop()
        match value:
            case Scalar():
                yield Leaf(value, name, path, ids)
            case Object(members):
                ids = (*ids, *_find_ids(members, is_item=bool(path) and isinstance(path[-1], int)))
                label = next(_strings(members, _NAME_KEYS), name)
                is_about_fields = path[-1:] and path[-1] in _ABOUT_FIELDS
                for key, part in members:
                    yield Leaf(key, "", path, ids, is_key=True)
                    is_value = label and key.value.lower() in _VALUE_KEYS
                    named = "" if is_about_fields else label if is_value else key.value
                    pending.append((part, named, (*path, key.value), ids))
            case Array(items):
                pair = _pair_name(items)
                for number, part in enumerate(items):
                    named = pair if pair is not None and number == 1 else name
                    pending.append((part, named, (*path, _index(part, number)), ids))


def decode_string(text: str, scalar: Scalar) -> DecodedText:
    """Return the string *scalar* of the JSON *text*, decoded."""
    return DecodedText(
        scalar.value, string_positions(text, scalar), lambda spelled: dumps(spelled)[1:-1]
    )


def _find_ids(members: list[tuple[Scalar, Scanned]], *, is_item: bool) -> Iterator[str]:
    """Yield what distinguishes an object with these *members* from those of other messages: its ids, its namespace, its index.

    A piece of a list item, which has an index, has an id only if it is the first one; the path says which item it is.
    """
    index = [
        part.value for key, part in members if key.value == "index" and isinstance(part, Scalar)
    ]
    yield from _strings(members, _ID_KEYS_OF_PIECES if index else _ID_KEYS)
    if index and not is_item:
        yield f"index {index[0]}"
    for key, part in members:
        if key.value == "namespace" and isinstance(part, Array) and part.items:
            yield from (item.value for item in part.items if isinstance(item, Scalar))


def _strings(members: list[tuple[Scalar, Scanned]], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the strings under *keys*."""
    for key, part in members:
        if key.value.lower() in keys and isinstance(part, Scalar) and part.is_string:
            yield part.value


def _pair_name(items: list[Scanned]) -> str | None:
    """Return the name in a pair of name and value, such as `["x-api-key", "…"]`, or None."""
    match items:
        case [Scalar(value=name, is_string=True), Scalar(value=value)] if is_secret_name(name):
            is_word = len(value) > 1 and value.replace("_", "").replace("-", "").isalpha()
            return None if is_word else name
        case _:
            return None


def _index(part: Scanned, number: int) -> int:
    """Return which item of a list *part*, the one with this *number*, continues: its `index`, as in the chunks of a message."""
    if isinstance(part, Object):
        for key, value in part.members:
            if key.value == "index" and isinstance(value, Scalar) and value.value.isdecimal():
                return int(value.value)
    return number
