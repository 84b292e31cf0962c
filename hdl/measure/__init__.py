"""Designs that are built only for measurements."""
