"""Convert cassette documents to YAML text and back. No I/O."""

from mockserver.cassette.yaml_codec.dump import dump_exchange, dump_header
from mockserver.cassette.yaml_codec.load import (
    Head,
    exchange_from,
    head_from,
    header_from,
    load_exchange,
    load_head,
    load_header,
    read_exchange,
)
from mockserver.cassette.yaml_codec.load_response import event_from, read_response, response_from

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
    "read_exchange",
    "read_response",
    "response_from",
]
