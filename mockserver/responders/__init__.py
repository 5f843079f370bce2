"""Who answers a request: cassettes, the upstream, or the explained miss. A mode is a list of them."""
