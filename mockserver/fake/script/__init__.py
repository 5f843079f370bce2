"""Scripts of the fake graph. No I/O."""
