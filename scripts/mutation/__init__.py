"""Mutants, and how they are judged."""
