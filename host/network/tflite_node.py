"""What operators of ``.tflite`` files are made of."""

from dataclasses import dataclass

from .network import NetworkError
from .rounding import precision, rounding_rule

# What the numbers of the schema stand for.
TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16",
         8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64", 13: "resource", 14: "variant",
         15: "uint32", 16: "uint16", 17: "int4"}
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}


@dataclass(frozen=True)
class TfliteForm:
    """How an operator is written in a file.

    Attributes
    ----------
    name : str
        As in the schema.
    min_inputs, max_inputs : int
        Inputs.
    options : str, optional
        Table of its options in the schema.
    needed : int, optional
        Inputs that it needs, the first ones; what the others say is declared in the output as well.
    may_lack_options : bool
        Then the node's options are None.
    """

    name: str
    min_inputs: int
    max_inputs: int
    options: str | None = None
    needed: int | None = None
    may_lack_options: bool = False


class TfliteNode:
    """An operator of a file.

    Attributes
    ----------
    tensors : list of Tensor
        Of the network.
    runtime : str
        Whose results are wanted.
    name, location : str
        Name in the schema, and where in the file.
    inputs : list of int
        Of tensors; -1 is one that is left out. Those that `parameter` has read are taken off.
    outputs, intermediates : tuple of int
    options : table of the schema, or None
    variables : TfliteVariables
    """

    def __init__(self, tensors, runtime, node, options, variables):
        self.tensors, self.runtime, self.name, self.location = tensors, runtime, node.kind, node.location
        self.inputs, self.outputs, self.options = list(node.inputs), tuple(node.outputs), options
        self.intermediates, self.variables = tuple(node.intermediates), variables

    def require(self, condition, rule, value):
        """One line, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{self.location} must have {rule}, not {value}")

    @property
    def common(self):
        """Fields of every operator; operands that are parameters are left out."""
        return {"location": self.location, "inputs": tuple(self.inputs), "outputs": tuple(self.outputs)}

    def rounding(self, kind=None):
        """The rounding rule for activations of a kind, by default that of the first operand's elements."""
        return rounding_rule(self.runtime, self.name, kind or self.dtype(0))

    @property
    def precision(self):
        """In which its kernel divides scales."""
        return precision(self.runtime, self.name)

    def choice(self, table, value, what):
        """What an enumeration's number stands for."""
        if value not in table:
            raise NetworkError(f"{self.location} must have as {what} one of {', '.join(table.values())}, "
                               f"not number {value}")
        return table[value]

    @property
    def activation(self):
        """The fused activation."""
        return self.choice(ACTIVATIONS, self.options.FusedActivationFunction(), "activation")

    def parameter(self, position, rank):
        """A constant integer operand of so many dimensions, or any for None, as an array, taken off the inputs."""
        tensor = self.tensors[self.inputs.pop(position)]
        if tensor.data is None or tensor.dtype not in ("int32", "int64") or rank not in (None, tensor.data.ndim):
            size = "" if rank is None else f" of {rank} dimensions"
            kind = "constant " if tensor.data is not None else ""
            raise NetworkError(f"{self.location} must have a constant integer operand {position}{size}, "
                               f"not {kind}{tensor.dtype} of {list(tensor.shape)}")
        return tensor.data

    def pairs(self, position):
        """A constant integer operand of two dimensions as a tuple of tuples, taken off the inputs."""
        return tuple(tuple(map(int, pair)) for pair in self.parameter(position, 2))

    def dtype(self, position):
        """Kind of element of an operand, or None if it is left out."""
        index = self.inputs[position]
        return self.tensors[index].dtype if index >= 0 else None

    def shape(self, position):
        """Shape of an operand."""
        return self.tensors[self.inputs[position]].shape

    @property
    def fill(self):
        """What stands for zero in the output."""
        tensor = self.tensors[self.outputs[0]]
        return tensor.zero_point if tensor.scales.size else 0
