"""What every operator is; `host/network/operators` has one file for each, or for each family.

A class of operators holds everything about it, and the rest of the code asks the object. (How nodes of ``.onnx``
files become operators is in `host/network/onnx_operators`, with the operators that only those have.)

========================  ==============================================================================================
fields                    what the operator is, whatever file it comes from
``tflite``                its names in ``.tflite`` files, with what those say of its operands
``from_tflite(node)``     the operator in a `TfliteNode`
``check(rules)``          shapes and limits, with the tensors in a `Rules`; fills in shapes that a file leaves open
``compute(context, *x)``  the kernel, on values of `operands`, with tensors and rounding rule in a `KernelContext`
========================  ==============================================================================================

A `MatrixOperator` also says which convolution it is. Then a macro can compute it, and nothing else is needed for that.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass


def outputs_up_to(max_outputs):
    """Of an error's line: how many outputs there may be."""
    return "one output" if max_outputs == 1 else f"1 to {max_outputs} outputs"


def of_rank(values, rank):
    """Values (N, *shape) with ``rank`` dimensions behind that of the runs; missing ones come first, of one."""
    return values.reshape(len(values), *(1,) * (rank + 1 - values.ndim), *values.shape[1:])


class OperatorTensors:
    """The tensors of an operator of a network.

    Attributes
    ----------
    inputs : list of Tensor or None
        None is one that is left out.
    outputs : list of Tensor
    """

    def __init__(self, network, operator):
        self.operator, self.tensors, self.variables = operator, network.tensors, network.variables
        self.inputs = [network.tensors[index] if index >= 0 else None for index in operator.inputs]
        self.outputs = [network.tensors[index] for index in operator.outputs]

    @property
    def output(self):
        """The only output."""
        output, = self.outputs
        return output


@dataclass(frozen=True, kw_only=True)
class Operator(ABC):
    """Location in the file, and tensors as numbers in ``Network.tensors``; -1 is an input that is left out.

    ``rounding`` is how results become integers, one of `rounding.RULES`. The kernels of one runtime do not agree on it,
    so it is a property of the operator, which its readers set.
    """

    location: str
    inputs: tuple
    outputs: tuple
    rounding: str = "double"

    # Of the class: a `TfliteForm` for each name in .tflite files, the fewest and the most outputs, whether it is a
    # `MatrixOperator`, and whether it moves elements of any kind and leaves them alone.
    tflite = ()
    min_outputs = 1
    max_outputs = 1
    is_matrix = False
    moves = False

    @property
    def output(self):
        """The only output."""
        output, = self.outputs
        return output

    @property
    def operands(self):
        """The inputs whose values `compute` takes."""
        return self.inputs

    @property
    def products(self):
        """The `MatrixOperator`s that a macro computes for it: none, itself, or parts of it."""
        return ()

    @classmethod
    def from_tflite(cls, node):
        """The operator in a `TfliteNode`."""
        return cls(**node.common)

    def slack(self, context, *values):
        """By how much numbers of the definition may differ from those of `compute`, where it leaves something open."""
        return 0

    @abstractmethod
    def check(self, rules):
        """Raise `NetworkError` if a tensor in `Rules` breaks a rule that the kernel relies on."""

    @abstractmethod
    def compute(self, context, *values):
        """Values of the output, or a tuple of them for several outputs.

        Parameters
        ----------
        context : KernelContext
        values : int64 or float32 arrays (N, *shape), one for each of `operands`
            N runs of the network.
        """
