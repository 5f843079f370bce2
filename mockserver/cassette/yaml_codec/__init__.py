"""Convert cassette documents to YAML text and back. No I/O."""

from mockserver.cassette.yaml_codec.dump import dump_exchange, dump_header
from mockserver.cassette.yaml_codec.load import (
    Head,
    event_from,
    exchange_from,
    head_from,
    header_from,
    load_exchange,
    load_head,
    load_header,
    response_from,
)

__all__ = [
    "Head",
    "dump_exchange",
    "dump_header",
    "event_from",
    "exchange_from",
    "head_from",
    "header_from",
    "load_exchange",
    "load_head",
    "load_header",
    "response_from",
]
