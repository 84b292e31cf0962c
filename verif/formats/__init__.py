"""Block macros in a simulator."""
