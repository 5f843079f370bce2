"""Cassette files: find, read, reload, record, rewrite."""
