"""The HTTP API of the fake Agent Server. No I/O."""
