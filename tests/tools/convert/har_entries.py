"""Entries of a HAR file, as a browser writes them."""

import json
from typing import Any

URL = "https://my-agent.example"


EVENTS = 'event: metadata\r\ndata: {"run_id":"1"}\r\n\r\nevent: values\r\ndata: {"a":"é😀"}\r\n\r\n'


KEY = "lsv2_pt_0123456789abcdef_0123456789"


SSE = [{"name": "Content-Type", "value": "text/event-stream; charset=utf-8"}]


def entry(path: str = "/runs/stream", **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "startedDateTime": "2026-11-24T10:00:00.000Z",
        "time": 500,
        "request": {
            "method": "POST",
            "url": f"{URL}{path}",
            "httpVersion": "http/2.0",
            "headers": [
                {"name": ":authority", "value": "my-agent.example"},
                {"name": "x-api-key", "value": KEY},
                {"name": "content-type", "value": "application/json"},
            ],
            "postData": {"mimeType": "application/json", "text": '{"assistant_id": "agent"}'},
        },
        "response": {
            "status": 200,
            "statusText": "",
            "headers": [*SSE, {"name": "content-encoding", "value": "gzip"}],
            "content": {
                "size": len(EVENTS.encode()),
                "mimeType": "text/event-stream",
                "text": EVENTS,
            },
        },
        "timings": {"blocked": 3, "dns": -1, "send": 0.5, "wait": 99.5, "receive": 400},
    }
    for name, change in changes.items():
        fields[name] = (
            {**fields[name], **change} if isinstance(change, dict) and name in fields else change
        )
    return fields


def har(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()
