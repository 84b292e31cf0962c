"""Operators, one file for each or for a family; `host/network/operator.py` says what each of them is asked for.

A new operator is a class in a file here, its name in `OPERATORS`, and for each of its names what draws it in
`scripts/fuzzing`.
"""

from .activations import Abs, HardSwish, L2Normalization, LeakyRelu, Logistic, Prelu, Tanh
from .arithmetic import Add, Maximum, Minimum, Mul, Sub
from .batch_matmul import BatchMatMul
from .convolution import Conv2D, DepthwiseConv2D
from .fully_connected import FullyConnected
from .movement import Concatenation, Pad, Reshape, Transpose
from .numbers import Numbers
from .pooling import ArgMax, ArgMin, AveragePool2D, MaxPool2D, Mean
from .recurrent import Lstm, Svdf
from .rescale import Dequantize, Quantize, Relu
from .resize import ResizeBilinear, ResizeNearest
from .selection import Cast, GatherNd, Pack, Selection
from .softmax import Softmax
from .space_batch import BatchToSpace, DepthToSpace, SpaceToBatch, SpaceToDepth
from .transposed_convolution import TransposedConvolution
from .variables import AssignVariable, ReadVariable

OPERATORS = (Abs, Add, ArgMax, ArgMin, AssignVariable, AveragePool2D, BatchMatMul, BatchToSpace, Cast, Concatenation,
             Conv2D, DepthToSpace, DepthwiseConv2D, Dequantize, FullyConnected, GatherNd, HardSwish, L2Normalization,
             LeakyRelu, Logistic, Lstm, MaxPool2D, Maximum, Mean, Minimum, Mul, Numbers, Pack, Pad, Prelu, Quantize,
             ReadVariable, Relu, Reshape, ResizeBilinear, ResizeNearest, Selection, Softmax, SpaceToBatch, SpaceToDepth,
             Sub, Svdf, Tanh, Transpose, TransposedConvolution)
# By name in files: the operator, and its form.
TFLITE = {form.name: (operator, form) for operator in OPERATORS for form in operator.tflite}
