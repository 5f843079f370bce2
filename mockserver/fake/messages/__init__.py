"""Messages of a conversation, as the server has them. No I/O."""
