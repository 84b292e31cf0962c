"""Testbenches of the macro."""
