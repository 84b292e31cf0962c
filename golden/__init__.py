"""Exact models in numpy: the product, its dataflow by bit-planes, the macro's state, and its cycles."""
