"""A layout of a macro: placed, routed, checked, and the wires of it in delay and energy."""
