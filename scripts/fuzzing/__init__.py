"""Drawn networks of one operator, whose results are compared with a runtime's."""
