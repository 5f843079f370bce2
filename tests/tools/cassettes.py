"""A healthy recorded cassette, and functions to edit it."""

HEALTHY = """\
mockserver: 1
upstream: https://my-agent.example
recorded: 2026-11-22T15:36:36Z
server: {version: 0.16.7, langgraph_py_version: 1.2.22}
ignore:
- body.config.configurable.user_id
---
request:
  method: POST
  path: /runs/stream
  body:
    assistant_id: agent
    input:
      messages:
      - role: human
        content: hello
    config:
      configurable:
        user_id: '7'
    stream_mode: updates
response:
  status: 200
  headers:
    content-type: text/event-stream; charset=utf-8
    location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b/stream
    content-location: /runs/01a203e6-f289-748b-b15d-124a4b30ec1b
  events:
  - after: 0.912
    event: metadata
    data: |-
      {"run_id":"01a203e6-f289-748b-b15d-124a4b30ec1b","attempt":1}
  - after: 4.088
    comment: heartbeat
  - after: 0.36
    event: updates
    data: |-
      {"agent":{"messages":[{"content":"Hello!","type":"ai"}]}}
  end: {after: 0.002, how: closed}
---
request:
  method: POST
  path: /runs/wait
  body:
    assistant_id: agent
    input:
      messages:
      - role: human
        content: '42'
    config:
      configurable:
        user_id: '8'
response:
  status: 200
  headers:
    content-type: application/json
    content-location: /threads/1f000000-0000-4000-8000-000000000001/runs/01a203e6-0000-748b-b15d-124a4b30ec1b
  after: 0.5
  body:
    messages:
    - content: '42'
      type: human
      id: 1f000000-0000-4000-8000-00000000000a
    - content: 'no'
      type: ai
      id: '17'
  end: {after: 0, how: closed}
---
request:
  method: GET
  path: /info
response:
  status: 200
  headers:
    content-type: application/json
  body:
    version: 0.16.7
  end: {after: 0, how: closed}
"""


def edited(*edits: tuple[str, str], text: str = HEALTHY) -> str:
    """Return *text* with each (old, new) of *edits* applied to the first occurrence of the old text."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, what: str, nth: int = 1) -> int:
    """Return the line of *text* with the *nth* occurrence of *what*."""
    lines = [number for number, line in enumerate(text.split("\n"), 1) if what in line]
    return lines[nth - 1]
