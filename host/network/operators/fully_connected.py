"""Fully connected layers."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ....golden import layers
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator, signed_weights
from ..network import NetworkError
from ..onnx_node import OnnxForm, Product
from ..tflite_node import TfliteForm
from .weights import check_tflite_bias, onnx_bias, onnx_weights


@dataclass(frozen=True, kw_only=True)
class FullyConnected(MatrixOperator):
    """Weights (outputs, inputs)."""

    tflite = (TfliteForm("FULLY_CONNECTED", 2, 3, "FullyConnectedOptions"),)
    onnx = (OnnxForm("Gemm", (9, 11, 13), ("transB",), {"alpha": 1.0, "beta": 1.0, "transA": 0}),
            OnnxForm("MatMul", (9, 13)))
    has_zero_point = True

    @classmethod
    def from_tflite(cls, node):
        if node.options.WeightsFormat():
            raise NetworkError(f"{node.place} must have weights in the default format, not shuffled")
        check_tflite_bias(node)
        return cls(**node.common, activation=node.activation, rounding=node.rounding())

    @classmethod
    def from_onnx(cls, node):
        """The product with constant weights."""
        is_gemm, attributes, tensors = node.kind == "Gemm", node.attributes, node.graph.tensors
        node.has_operands(2, 3 if is_gemm else 2)
        x = node.graph.integers(node, node.operands[0], is_last=False)
        weights = onnx_weights(node, 1, (0, 1) if attributes.get("transB") else (1, 0), 0)
        shape, (units, depth) = tensors[x].shape, tensors[weights].shape
        node.require(shape[-1:] == (depth,) and (len(shape) == 2 or not is_gemm), "operands that fit",
                     f"{list(shape)} and {[depth, units]}")
        bias, is_integer = onnx_bias(node, 2, x, weights)
        shape = (*shape[:-1], units)
        if bias >= 0:
            node.require(cls._broadcasts(tensors[bias].shape, shape), f"a bias that broadcasts to {list(shape)}",
                         list(tensors[bias].shape))
        make = partial(cls, inputs=(x, weights, bias), rounding="float")
        return Product(node.place, shape, False, make, is_integer and tensors[x].dtype != "int16")

    @staticmethod
    def _broadcasts(shape, to):
        try:
            return np.broadcast_shapes(shape, to) == to
        except ValueError:
            return False

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
