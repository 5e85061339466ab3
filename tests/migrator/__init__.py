"""Tests of the object that one drives, on real databases."""
