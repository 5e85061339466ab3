"""The command line: arguments and settings in, one result out.

Nothing in the package imports it. It alone reads the environment and ``pyproject.toml``, puts the
project on ``sys.path``, installs signal handlers, configures logging and prints; what it changes in
the interpreter it puts back.
"""
