"""One run of the fake graph: what happens in it, and the events that tell of it. No I/O."""
