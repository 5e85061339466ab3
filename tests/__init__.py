"""Tests of asyncmig: the tree mirrors the package."""
