"""Cells of a library: read, found by what they do, and the bitcells that are made of them."""
