"""Scripts: what the fake graph says. No I/O."""
