"""Imported last in the process that forks, so that each fork starts with less to do."""

import gc

from mockserver.server import script_files

script_files.load_builtin()  # `re` keeps the compiled patterns of the script
gc.freeze()  # the garbage collector of a fork does not visit, and so copy, what is imported
