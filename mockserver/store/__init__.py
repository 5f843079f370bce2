"""Cassette files on disk: find, load, follow, record."""
