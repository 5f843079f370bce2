"""One run of the fake graph, and its events. No I/O."""
