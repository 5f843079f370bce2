"""Cassettes: what was recorded, matched, played and redacted. No I/O in here."""
