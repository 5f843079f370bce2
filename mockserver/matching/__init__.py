"""Which recorded exchange a request means. No I/O."""
