"""Upsets of flip-flops."""
