"""A deterministic Agent Server that answers without a model. No I/O.

`script` says what the graph does, `messages` reads the messages of clients, `graph` plays one run and emits its events,
`threads` keeps runs over time, and `api` has the HTTP endpoints.
"""
