"""One run of the fake graph, and what is told of it. No I/O."""
