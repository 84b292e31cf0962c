"""Exact models in numpy: the product, its dataflow by bit-planes, the macro with its banks and totals, and its cycles."""
