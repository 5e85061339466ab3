"""What must hold where others may create objects, read logs, or stand in the network between."""
