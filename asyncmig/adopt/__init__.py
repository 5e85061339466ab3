"""Take over a database from another tool.

:mod:`.tools` knows the tables of each tool, one file per tool; :mod:`.finding` sees which of them
are in a database, :mod:`.matching` lays what they say beside the files, and :mod:`.decision` says
what to write into the history. Nothing here writes anything, and nothing is ever written into the
table of another tool. The loop that reads and writes is :mod:`asyncmig.adoption`.
"""
