"""Simulators: what compiles a design and runs it, and the player of whole programs."""
