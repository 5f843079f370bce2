"""The cassette format: what a cassette holds, as values and as text. No I/O."""
