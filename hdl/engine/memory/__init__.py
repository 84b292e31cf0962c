"""Activations and tiles: their memories, and what brings them to the macro."""
