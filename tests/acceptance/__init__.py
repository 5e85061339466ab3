"""What a user does and sees: the command line on real databases, from outside."""
