"""Compare two recordings, or a recording with a live server. No I/O."""
