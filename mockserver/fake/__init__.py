"""A deterministic Agent Server that answers without a model. No I/O.

`script` says what the graph does, `messages` reads the messages of clients, `graph` plays one run and emits its events,
`thread_log` is the log of a thread for event streams, `threads` keeps runs over time, and `api` has the HTTP endpoints.
"""
