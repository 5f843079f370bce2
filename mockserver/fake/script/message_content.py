"""The content of a message as blocks, and the pieces in which a model sends a text, a block, or the arguments of a call. No I/O."""

import re
from collections.abc import Iterator, Mapping, Sequence

from mockserver.formats.json_text import Json, dumps

Block = dict[str, Json]

_TEXT_KEYS = {"text": "text", "reasoning": "reasoning", "thinking": "thinking"}
"""The key of the text in a block that is sent token by token, by the type of the block."""

_TOKEN = re.compile(r"\s*(?:[\x21-\u024f]{1,7}|[^\s\x21-\u024f]{1,3})|\s+")
_ARGS = re.compile(r"(?s).{1,8}")


def build_blocks(reasoning: str, text: str, blocks: Sequence[Mapping[str, Json]]) -> list[Block]:
    """Return the numbered blocks of a message; none if its content is *text* alone."""
    if not (reasoning or blocks):
        return []
    thought = [{"type": "reasoning", "reasoning": reasoning}] if reasoning else []
    said = [{"type": "text", "text": text}] if text else []
    return [_number(block, index) for index, block in enumerate([*thought, *said, *blocks])]


def _number(block: Mapping[str, Json], index: int) -> Block:
    """Return *block* with its number, in the order of keys in which its pieces bring them."""
    key = _TEXT_KEYS.get(block["type"], "")
    if key not in block:
        return {**block, "index": index}
    return {"type": block["type"], key: block[key], "index": index} | dict(block)


def split_text(text: str) -> list[str]:
    """Return *text* in tokens: a short word with its leading white space, or a few characters of other scripts."""
    return _TOKEN.findall(text)


def split_arguments(args: Json) -> list[str]:
    """Return the arguments of a tool call, as JSON text, in tokens."""
    return _ARGS.findall(dumps(args))


def split_block(block: Block) -> list[Block]:
    """Return the pieces of a *block*: tokens if it is a text, of which the last has its other keys; else the whole block."""
    key = _TEXT_KEYS.get(block["type"], "")
    text, index = block.get(key), {"index": block["index"]}
    if not isinstance(text, str) or not text:
        return [block]
    others = {name: part for name, part in block.items() if name not in ("type", key, "index")}
    *tokens, last = ({"type": block["type"], key: token, **index} for token in split_text(text))
    return [*tokens, {**last, **others}]


def join_pieces(pieces: Sequence[Block]) -> Block:
    """Return the block of which *pieces*, one or more, have arrived."""
    key = _TEXT_KEYS.get(pieces[0]["type"], "")
    joined: Block = {}
    for piece in pieces:
        text = joined.get(key, "") + piece[key] if key in piece and key else None
        joined |= piece if text is None else {**piece, key: text}
    return joined


def split_content(blocks: Sequence[Block]) -> Iterator[tuple[Block, list[Block]]]:
    """Yield each piece of *blocks*, with the blocks that have arrived with it."""
    for number, block in enumerate(blocks):
        pieces = split_block(block)
        for count, piece in enumerate(pieces, 1):
            yield piece, [*blocks[:number], join_pieces(pieces[:count])]
