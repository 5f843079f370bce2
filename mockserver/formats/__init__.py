"""Text formats: JSON, YAML, server-sent events, the ids of an Agent Server. Independent of HTTP, no I/O."""
