"""Threads of the fake graph: their runs over time, and their state. No I/O."""
