"""Find problems in cassettes, and fix those that have one possible fix. No I/O."""
