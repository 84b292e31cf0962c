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
        rules.has_shape(rules.variables[self.variable].initial.shape)

    def compute(self, context):
        return context.variable(self.variable)


@dataclass(frozen=True, kw_only=True)
class AssignVariable(ReadVariable):
    """The variable of this number holds the input."""

    tflite = (TfliteForm("ASSIGN_VARIABLE", 2, 2),)
    min_outputs = 0
    max_outputs = 0

    def check(self, rules):
        x, shape = rules.inputs[0], rules.variables[self.variable].initial.shape
        rules.require(x.shape == shape, f"a value of shape {list(shape)}", list(x.shape))

    def compute(self, context, x):
        context.assign(self.variable, x)
        return ()
