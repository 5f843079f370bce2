"""Write scripts of the fake graph: from a LangGraph graph, or from a recording. No I/O."""
