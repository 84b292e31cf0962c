"""Macros in standard cells: synthesis, delay, energy and reports, with a library of the user's."""
