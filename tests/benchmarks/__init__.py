"""The comparison with other tools, tried on asyncmig alone: no network, nothing installed."""
