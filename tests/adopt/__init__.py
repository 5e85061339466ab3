"""Taking over a database from another tool."""
