"""Split text into tokens, as a model would send it. No I/O."""

import re

from mockserver.formats.json_text import Json, dumps

_TOKEN = re.compile(r"\s*(?:[\x21-\u024f]{1,7}|[^\s\x21-\u024f]{1,3})|\s+")
_ARGS = re.compile(r"(?s).{1,8}")


def split_text(text: str) -> list[str]:
    """Return *text* in tokens: a short word with its leading white space, or a few characters of other scripts."""
    return _TOKEN.findall(text)


def split_arguments(args: Json) -> list[str]:
    """Return the arguments of a tool call, as JSON text, in tokens."""
    return _ARGS.findall(dumps(args))
