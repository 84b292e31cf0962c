"""A macro: streams to columns and back."""
