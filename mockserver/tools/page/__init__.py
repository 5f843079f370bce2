"""The page below `/__mockserver__/`: its files, and what it shows as JSON. The source of the files is the folder `page/` of the repository."""
