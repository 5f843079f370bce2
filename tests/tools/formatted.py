"""A cassette written by hand, and its formatted text."""

BY_HAND = """\
# what this is for
mockserver: 1  # the format
ignore: [body.config.configurable.user_id]

--- # the first
request:
  # who asks
  path: /runs/stream
  body: {assistant_id: agent, input: {messages: [{role: human, content: no}]}}  # a question
response:
  events:
  # what comes first
  - data: {run_id: a, attempt: 1}
    event: metadata
  - event: values  # the state
    data: |-
      {"messages": [],  "n": 1.0}
  # the end
---
request: {method: GET, path: /info}
response: {body: {version: 0.16.7}}
"""


FORMATTED = """\
# what this is for
mockserver: 1  # the format
ignore:
- body.config.configurable.user_id
---  # the first
request:
  method: POST
  # who asks
  path: /runs/stream
  body:  # a question
    assistant_id: agent
    input:
      messages:
      - role: human
        content: 'no'
response:
  status: 200
  headers:
    content-type: text/event-stream; charset=utf-8
  events:
  # what comes first
  - data: |-
      {"run_id":"a","attempt":1}
    event: metadata
  - event: values  # the state
    data: |-
      {"messages": [],  "n": 1.0}
  # the end
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
"""
