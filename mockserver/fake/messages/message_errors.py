"""What the server's message classes say to parts that are not as they must be, in the words of pydantic. No I/O."""

from collections.abc import Sequence

from mockserver.fake.errors import RejectedError
from mockserver.formats.json_text import Json

_LONGEST = 50
"""How many characters of a value are shown; of a longer one its head and its tail are."""

_LIST = "content.list[union[str,dict[any,any]]]"


def text_faults(where: str, value: Json) -> list[str]:
    """Return what is wrong with a *value* that must be text."""
    if isinstance(value, str):
        return []
    return [fault(where, "Input should be a valid string", "string_type", value)]


def mapping_faults(where: str, value: Json) -> list[str]:
    """Return what is wrong with a *value* that must be an object."""
    if isinstance(value, dict):
        return []
    return [fault(where, "Input should be a valid dictionary", "dict_type", value)]


def content_faults(content: Json) -> list[str]:
    """Return what is wrong with a *content* that must be text, or a list of texts and objects."""
    if isinstance(content, str):
        return []
    wrong: list[str] = []
    if not isinstance(content, list):
        wrong.append(fault(_LIST, "Input should be a valid list", "list_type", content))
    else:
        for number, part in enumerate(content):
            if not isinstance(part, str | dict):
                wrong += text_faults(f"{_LIST}.{number}.str", part)
                wrong += mapping_faults(f"{_LIST}.{number}.dict[any,any]", part)
    return [*text_faults("content.str", content), *wrong] if wrong else []


def fault(where: str, words: str, code: str, value: Json) -> str:
    """Return what is wrong with the *value* at *where*, in *words*, for which pydantic has a *code*."""
    shown = repr(value)
    if len(shown) > _LONGEST:
        shown = f"{shown[:25]}...{shown[-24:]}"
    return (
        f"{where}\n  {words} [type={code}, input_value={shown}, input_type={type(value).__name__}]\n"
        f"    For further information visit https://errors.pydantic.dev/2.14/v/{code}"
    )


def rejected(name: str, wrong: Sequence[str]) -> RejectedError:
    """Return the error that says what is *wrong* with a message of the class *name*."""
    plural = "s" if len(wrong) > 1 else ""
    head = f"{len(wrong)} validation error{plural} for {name}"
    return RejectedError("ValidationError", "\n".join((head, *wrong)))
