"""One conformance suite for each foreign format, from the rules of its tool."""
