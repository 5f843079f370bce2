"""What is wrong with a cassette. No I/O."""
