"""Text formats: JSON, YAML, server-sent events. Nothing of HTTP or LangGraph, no I/O."""
