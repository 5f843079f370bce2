"""Convert the recordings of other tools to cassettes. No I/O."""
