"""Designs of others, measured beside the arrays."""
