"""Tests of the SQL lexer."""
