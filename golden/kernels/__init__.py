"""Layers of quantized networks, as the runtimes of networks compute them."""
