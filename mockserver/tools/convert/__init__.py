"""Recordings of other tools as cassettes. No I/O."""
