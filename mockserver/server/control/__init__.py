"""The control API below `/__mockserver__/`."""
