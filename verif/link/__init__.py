"""Testbenches of the serial link, with the host's own side of it."""
