"""What a network keeps from run to run: reading and writing it."""

from dataclasses import dataclass

from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class ReadVariable(Operator):
    """What the variable of this number holds."""

    variable: int

    tflite = (TfliteForm("READ_VARIABLE", 1, 1),)

    @classmethod
    def from_tflite(cls, node):
        variable = node.variables.of_handle(node.inputs.pop(0), node.location)
        return cls(**node.common, variable=variable)

    def check(self, rules):
        initial = rules.variables[self.variable].initial
        rules.require(rules.output.dtype == initial.dtype, f"an output of {initial.dtype}", rules.output.dtype)
        rules.has_shape(initial.shape)

    def compute(self, context):
        return context.variable(self.variable)


@dataclass(frozen=True, kw_only=True)
class AssignVariable(ReadVariable):
    """The variable of this number holds the input."""

    tflite = (TfliteForm("ASSIGN_VARIABLE", 2, 2),)
    min_outputs = 0
    max_outputs = 0

    def check(self, rules):
        x, initial = rules.inputs[0], rules.variables[self.variable].initial
        rules.require((x.dtype, x.shape) == (initial.dtype, initial.shape),
                      f"a value of {initial.dtype} {list(initial.shape)}", f"{x.dtype} {list(x.shape)}")

    def compute(self, context, x):
        context.assign(self.variable, x)
        return ()
