"""What the command line writes: for people on a terminal, and for programs."""
