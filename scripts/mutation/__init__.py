"""Mutants, and the methods that kill them or prove them equivalent."""
