"""A transformer on a macro: its products as programs, its training, its file."""
