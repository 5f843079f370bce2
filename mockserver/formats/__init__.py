"""Text formats: JSON, YAML, server-sent events. Independent of HTTP and LangGraph, no I/O."""
