"""Chat messages in LangChain's format, and their other spellings. No I/O."""
