"""Clocks: PLLs, resets, and crossings between clock domains."""
