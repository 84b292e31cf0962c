"""Operators, one file for each or for a family; `host/network/operator.py` says what each of them is asked for.

A new operator is a class in a file here, its name in `OPERATORS`, and its names in the table of `docs/networks.md`.
"""

from .arithmetic import Add, Mul
from .convolution import Conv2D, DepthwiseConv2D
from .float_elementwise import Clamp, Elementwise
from .float_means import FloatMean, FloatSoftmax
from .float_pooling import FloatAveragePool, MaxPool
from .float_resize import FloatResize
from .float_scales import DequantizeLinear, QuantizeLinear
from .fully_connected import FullyConnected
from .movement import Concatenation, Pad, Reshape, Transpose
from .pooling import AveragePool2D, MaxPool2D, Mean
from .qlinear import QLinearArithmetic, QLinearPool, QLinearSoftmax, QOperator
from .rescale import Dequantize, Quantize, Relu
from .select import Select
from .softmax import Softmax
from .space_batch import BatchToSpace, SpaceToBatch

OPERATORS = (Add, AveragePool2D, BatchToSpace, Clamp, Concatenation, Conv2D, DepthwiseConv2D, Dequantize,
             DequantizeLinear, Elementwise, FloatAveragePool, FloatMean, FloatResize, FloatSoftmax, FullyConnected, MaxPool, MaxPool2D,
             Mean, Mul, Pad, QLinearArithmetic, QLinearPool, QLinearSoftmax, QOperator, Quantize, QuantizeLinear, Relu, Reshape, Select, Softmax, SpaceToBatch, Transpose)
# By name in files: the operator, with its form.
TFLITE = {form.name: (operator, form) for operator in OPERATORS for form in operator.tflite}
ONNX = {(form.domain, form.name): (operator, form) for operator in OPERATORS for form in operator.onnx}
