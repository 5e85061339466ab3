"""The documentation: every snippet in it is executed, every list compared with the code."""
