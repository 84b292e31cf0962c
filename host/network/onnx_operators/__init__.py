"""Operators of ``.onnx`` files: how each is read, and those that compute what ONNX alone defines.

A file for each family, with a table ``READERS``: forms, each with a function that takes an `OnnxNode` and gives a
`Value`, `Product` or `Constant`, or a tuple of them, one for each output. A new operator is a line in such a table,
and what draws it in `scripts/fuzzing/onnx_operators.py`.
"""

from . import block_products, elementwise, means, moves, pooling, products, qlinear, resize, scales
from .scales import DequantizeLinear

# By domain and name in files: the form, and what reads it.
ONNX = {(form.domain, form.name): (form, reader)
        for family in (block_products, elementwise, means, moves, pooling, products, qlinear, resize, scales)
        for form, reader in family.READERS}

__all__ = ["ONNX", "DequantizeLinear"]
