"""Many runners at once: exactly once, nobody fails, and nobody waits for the dead."""
