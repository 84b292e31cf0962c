"""Software around the macro: mapping of matrices onto it, and the backends that run them."""
