"""How fast asyncmig is, beside the floor: see README.md."""
