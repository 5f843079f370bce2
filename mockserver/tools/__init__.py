"""Tools that read, check, compare and convert cassettes; functions from text to text. No I/O."""
