"""Testbenches of the core and its buses."""
