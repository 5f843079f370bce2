"""The page below `/__mockserver__/`, as files that browsers read. Its source is the folder `page/` of the repository."""
