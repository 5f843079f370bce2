"""The endpoints of the fake graph's server. No I/O."""
