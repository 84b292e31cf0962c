"""Control and status registers, and the buses before them."""
