"""Testbenches of the serial link, with the host's driver at one end."""
