"""Messages as LangChain writes them, and as clients spell them. No I/O."""
