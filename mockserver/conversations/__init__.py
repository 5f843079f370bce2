"""Which recorded conversation a live thread plays."""
