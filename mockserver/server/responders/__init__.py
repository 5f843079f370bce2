"""Who answers a request: cassettes, the upstream, the fake graph."""
