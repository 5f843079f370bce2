"""What answers when no exchange does: a graph without a model, which speaks the protocol of an Agent Server. No I/O."""
