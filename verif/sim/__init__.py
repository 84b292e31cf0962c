"""Simulators: compiling and running designs, and the player of whole programs."""
