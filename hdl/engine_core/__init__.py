"""The engine behind a bus, with registers: its image, inputs, runs and results."""
