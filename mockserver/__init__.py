"""A record/replay mock server for LangGraph Agent Servers, with a deterministic fake graph."""
