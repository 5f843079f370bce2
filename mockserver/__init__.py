"""A record/replay mock server for LangGraph Agent Servers."""
