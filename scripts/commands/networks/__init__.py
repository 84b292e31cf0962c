"""Commands on networks: run them, compile them, compare them, and find macros for them."""
