"""Cassettes as files: found, read, followed, recorded into, rewritten."""
