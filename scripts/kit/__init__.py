"""Old names, for one release; see `scripts.integration`."""
