"""Convert cassette documents to YAML text and back. No I/O."""

from mockserver.cassette.yaml_codec.dump import dump_exchange, dump_header
from mockserver.cassette.yaml_codec.load import (
    Head,
    build_exchange,
    build_head,
    build_header,
    load_exchange,
    load_head,
    load_header,
    read_exchange,
)
from mockserver.cassette.yaml_codec.load_response import build_event, build_response, read_response

__all__ = [
    "Head",
    "build_event",
    "build_exchange",
    "build_head",
    "build_header",
    "build_response",
    "dump_exchange",
    "dump_header",
    "load_exchange",
    "load_head",
    "load_header",
    "read_exchange",
    "read_response",
]
