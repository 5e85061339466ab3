"""Cancellation as a normal way out: at every await, in every form."""
