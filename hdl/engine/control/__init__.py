"""Descriptors: how they are loaded, fetched and started."""
