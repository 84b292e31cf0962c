"""Fully connected layers."""

from dataclasses import dataclass

from ....golden.kernels import layers
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator, signed_weights
from ..network import NetworkError
from ..tflite_node import TfliteForm
from .weights import read_tflite_product


@dataclass(frozen=True, kw_only=True)
class FullyConnected(MatrixOperator):
    """Weights (outputs, inputs)."""

    tflite = (TfliteForm("FULLY_CONNECTED", 2, 3, "FullyConnectedOptions"),)
    has_zero_point = True

    @classmethod
    def from_tflite(cls, node):
        if node.options.WeightsFormat():
            raise NetworkError(f"{node.location} must have weights in the default format, not shuffled")
        product = read_tflite_product(node)
        return cls(**node.common, activation=node.activation, **product)

    def check(self, rules):
        x, weights = rules.inputs[:2]
        rules.require(len(weights.shape) == 2 and weights.size > 0, "weights (outputs, inputs)", list(weights.shape))
        units, depth = weights.shape
        rules.require(x.size % depth == 0, f"inputs in groups of {depth}", list(x.shape))
        wanted, kept = (x.size // depth, units), (*x.shape[:-1], units)
        keeps = rules.output.shape == kept and x.shape[-1:] == (depth,)
        self.check_product(rules, units, 0, kept if keeps else wanted)

    def convolution(self, tensors):
        x, weights = (tensors[index] for index in self.inputs[:2])
        kernel = signed_weights(weights)[0][:, None, None, :]
        return GroupedConvolution(kernel, (x.size // kernel.shape[3], 1, 1, kernel.shape[3]))

    def multiply(self, values, weights):
        return layers.mvm(weights.T, values.reshape(-1, weights.shape[1]))
