"""HTTP requests, replies and pacing as values. No I/O."""
