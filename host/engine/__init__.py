"""The engine's compiler: a network becomes an image."""
