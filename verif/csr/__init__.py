"""Testbench of the buses before the registers, and masters of them."""
