"""A running server: HTTP in, responders, HTTP out."""
