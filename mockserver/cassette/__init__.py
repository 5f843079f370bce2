"""The cassette format: values and their YAML text. No I/O."""
