"""Testbenches of the core."""
