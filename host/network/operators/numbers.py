"""Arithmetic of numbers without a scale: integers of 32 bits, which wrap, and float32, where each result is rounded."""

from dataclasses import dataclass

import numpy as np

from ..network import NetworkError
from ..operator import Operator, of_rank
from ..tflite_node import TfliteForm

KINDS = ("int32", "float32")
# What is computed, by name in files, and of which kinds.
FUNCTIONS = {"ADD": (np.add, KINDS), "SUB": (np.subtract, KINDS), "MUL": (np.multiply, KINDS),
             "MAXIMUM": (np.maximum, KINDS), "MINIMUM": (np.minimum, KINDS), "DIV": (np.divide, ("float32",)),
             "FLOOR_DIV": (np.floor_divide, ("int32",)), "SQRT": (np.sqrt, ("float32",))}
# No activation is a clamp to finite numbers; what has no activation has no clamp.
CLAMPED, FLOAT_MAX = ("ADD", "SUB", "MUL", "DIV"), np.finfo(np.float32).max


@dataclass(frozen=True, kw_only=True)
class Numbers(Operator):
    """``function``, a key of `FUNCTIONS`, of one or two tensors that broadcast."""

    function: str

    tflite = (TfliteForm("DIV", 2, 2, "DivOptions"), TfliteForm("FLOOR_DIV", 2, 2), TfliteForm("SQRT", 1, 1))

    @classmethod
    def from_tflite(cls, node):
        if node.options is not None:
            node.require(node.activation == "none", "no activation", node.activation)
        return cls(**node.common, function=node.name)

    def check(self, rules):
        kinds = FUNCTIONS[self.function][1]
        rules.same_kind(*rules.inputs, rules.output)
        rules.require(rules.output.dtype in kinds, f"operands of {' or '.join(kinds)}", rules.output.dtype)
        try:
            shape = np.broadcast_shapes(*(tensor.shape for tensor in rules.inputs))
        except ValueError:
            shape = None
        rules.require(shape is not None, "operands that broadcast", [list(tensor.shape) for tensor in rules.inputs])
        rules.has_shape(shape)

    def compute(self, context, *values):
        values = [of_rank(array, len(context.output.shape)) for array in values]
        if self.function == "FLOOR_DIV" and not values[1].all():
            raise NetworkError(f"{self.location} must have divisors that are not 0")
        with np.errstate(all="ignore"):
            y = FUNCTIONS[self.function][0](*values)
        if context.output.dtype != "float32":
            return y.astype(np.int32)
        return np.clip(y, -FLOAT_MAX, FLOAT_MAX) if self.function in CLAMPED else y
