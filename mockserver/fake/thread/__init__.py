"""Threads: what their runs have made of them, and what is so at any moment. No I/O; the clock comes in as seconds."""
