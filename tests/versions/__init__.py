"""The tests on every PostgreSQL that asyncmig supports: `python -m tests.versions`."""
