"""The C driver on a core, compiled with it."""
