"""What keeps recordings healthy for years: pure functions over the text of cassettes. No I/O."""
