"""Every fault at every point of a run: nothing lost, nothing twice."""
