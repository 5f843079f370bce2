"""Tools for cassettes, as functions from text to text. No I/O."""
