"""Which operators an engine has, and the network as it takes it."""

from dataclasses import replace

from ..network.network import NetworkError
from ..network.operators import (
    Add,
    ArgMax,
    AssignVariable,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    Logistic,
    MaxPool2D,
    Mean,
    Pad,
    Quantize,
    ReadVariable,
    Reshape,
    Selection,
    Softmax,
)
from ..network.problems import Problems

KINDS = (Conv2D, DepthwiseConv2D, FullyConnected, AveragePool2D, MaxPool2D, Mean, Add, Reshape, Concatenation,
         Selection, ReadVariable, AssignVariable)


class Supported:
    """The operators of a network that an engine runs.

    Parameters
    ----------
    network : Network
    batch : int
        Inputs that run together.

    Attributes
    ----------
    operators : list of Operator
        Without QUANTIZE of inputs that are not int8, which is left to who gives them; DEQUANTIZE, SOFTMAX and ARG_MAX
        at the end, which are left to the reader or to END; and PAD before convolutions.
    inputs, outputs : list of int
        Numbers of the tensors that go in and come out.
    readers : dict of int to list of Operator
        By number of a tensor the operators that read it, once for each time that they do.

    Raises
    ------
    NetworkError
        In one line all operators that the engine does not have.
    """

    def __init__(self, network, batch):
        self.network, self._batch, self._tensors = network, batch, network.tensors
        if network.runtime == "onnx":
            raise NetworkError("network must be of a .tflite file on an engine, not of an .onnx file, whose results "
                               "are rounded in float32")
        self.operators = list(network.operators)
        self.inputs, self.outputs = list(network.inputs), list(network.outputs)
        self._leave_out()
        self.readers = self._find_readers()
        self._merge_padding()
        for index in (*self.inputs, *self.outputs):
            if self._tensors[index].dtype != "int8":
                raise NetworkError(f"{self._tensors[index].name} must be int8 to go into an engine or out of it, not "
                                   f"{self._tensors[index].dtype}")
        problems = Problems()
        for operator in self.operators:
            with problems.of(operator.location):
                self._check(operator)
        problems.refuse()

    def _leave_out(self):
        """Without QUANTIZE of an input, and DEQUANTIZE, SOFTMAX or ARG_MAX at the end, one behind another."""
        read = [index for operator in self.operators for index in operator.operands]
        for operator in [each for each in self.operators if type(each) is Quantize]:
            x = operator.inputs[0]
            if x in self.inputs and read.count(x) == 1 and self._tensors[x].dtype != "int8":
                self.operators.remove(operator)
                self.inputs[self.inputs.index(x)] = operator.output
        for operator in reversed(list(self.operators)):
            y = operator.outputs[0] if operator.outputs else None
            if y in self.outputs and y not in read and operator.inputs and self._is_for_reader(operator):
                self.operators.remove(operator)
                self.outputs[self.outputs.index(y)] = operator.inputs[0]
                read.remove(operator.inputs[0])

    def _is_for_reader(self, operator):
        """Whether the reader of the outputs, or END, can do at the end what an operator does."""
        x = self._tensors[operator.inputs[0]]
        if type(operator) is ArgMax:
            return x.size == x.shape[-1] and operator.axis == len(x.shape) - 1
        is_kind = type(operator) is Quantize and self._tensors[operator.output].dtype != "int8"
        return is_kind or type(operator) in (Softmax, Logistic, Dequantize)

    def _find_readers(self):
        readers = {}
        for operator in self.operators:
            for index in operator.operands:
                readers.setdefault(index, []).append(operator)
        return readers

    def _merge_padding(self):
        """PAD with the zero point, whose readers are convolutions, becomes padding of these."""
        for pad in [each for each in self.operators if type(each) is Pad]:
            x, readers = self._tensors[pad.inputs[0]], self.readers.get(pad.output, [])
            is_plain = len(pad.amounts) == 4 and not any((*pad.amounts[0], *pad.amounts[3]))
            if not (is_plain and x.scales.size == 1 and pad.value == x.zero_point and pad.output not in self.outputs and
                    all(type(each) in (Conv2D, DepthwiseConv2D) for each in readers)):
                continue
            self.operators.remove(pad)
            for reader in readers:
                padding = tuple((before + more[0], after + more[1])
                                for (before, after), more in zip(reader.padding, pad.amounts[1:3]))
                merged = replace(reader, inputs=(pad.inputs[0], *reader.inputs[1:]), padding=padding)
                self.operators[self.operators.index(reader)] = merged
        self.readers = self._find_readers()

    def _check(self, operator):
        """NetworkError unless the engine has an operator."""
        location = operator.location
        if type(operator) not in KINDS:
            raise NetworkError(f"{location} must be among the operators of an engine (CONV_2D, DEPTHWISE_CONV_2D, "
                               "FULLY_CONNECTED, AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, ADD, RESHAPE, CONCATENATION, "
                               "slices, variables, PAD before convolutions, QUANTIZE of inputs, and DEQUANTIZE, "
                               "SOFTMAX, LOGISTIC and ARG_MAX at the end)")
        for index in (*operator.operands, *operator.outputs):
            tensor = self._tensors[index]
            if tensor.dtype != "int8" or tensor.data is not None or tensor.is_variable:
                raise NetworkError(f"{location} must have activations of int8 on an engine, not {tensor.dtype}"
                                   f"{' that are constant' if tensor.data is not None else ''}")
        checks = {Conv2D: self._check_convolution, DepthwiseConv2D: self._check_convolution, Mean: self._check_mean,
                  AveragePool2D: self._check_average, MaxPool2D: self._check_pool, Add: self._check_add,
                  Concatenation: self._check_concatenation, Selection: self._check_selection}
        if type(operator) in checks:
            checks[type(operator)](operator)
        if self._batch > 1 and not isinstance(operator, (FullyConnected, Reshape)):
            raise NetworkError(f"{location} must be FULLY_CONNECTED for inputs that run together")

    def _check_convolution(self, operator):
        x = self._tensors[operator.inputs[0]]
        if x.shape[0] != 1:
            raise NetworkError(f"{operator.location} must have one image on an engine, not {x.shape[0]}")
        if max(operator.dilation) > 1:
            raise NetworkError(f"{operator.location} must have dilation 1 on an engine, not {operator.dilation}")

    def _check_average(self, operator):
        self._check_pool(operator)
        if any(map(any, operator.padding)):
            raise NetworkError(f"{operator.location} must have no padding on an engine, not {operator.padding}")

    def _check_pool(self, operator):
        if self._tensors[operator.inputs[0]].shape[0] != 1:
            raise NetworkError(f"{operator.location} must have one image on an engine")

    def _check_mean(self, operator):
        shape = self._tensors[operator.inputs[0]].shape
        if len(shape) != 4 or shape[0] != 1 or operator.axes != (1, 2):
            raise NetworkError(f"{operator.location} must be of the height and width of one image on an engine, not of "
                               f"axes {list(operator.axes)} of {list(shape)}")

    def _check_add(self, operator):
        shapes = [list(self._tensors[index].shape) for index in (*operator.inputs, operator.output)]
        if any(shape != shapes[0] for shape in shapes):
            raise NetworkError(f"{operator.location} must have operands of one shape on an engine, not {shapes[:2]}")

    def _check_concatenation(self, operator):
        shape = self._tensors[operator.output].shape
        if not self._is_single(shape) or operator.axis < len(shape) - (3 if len(shape) > 3 else 2):
            raise NetworkError(f"{operator.location} must be along height, width or channels of one image on an "
                               f"engine, not dimension {operator.axis} of {list(shape)}")

    def _check_selection(self, operator):
        is_single = self._is_single(self._tensors[operator.inputs[0]].shape)
        chosen = [list(indices) for part in operator.parts for indices in part]
        if not is_single or not all(each and each == list(range(each[0], each[0] + len(each))) for each in chosen):
            raise NetworkError(f"{operator.location} must choose elements that follow one another, of one image, on an "
                               "engine")

    @staticmethod
    def _is_single(shape):
        """One image, or rows of channels."""
        return len(shape) in (1, 2) or (len(shape) in (3, 4) and shape[0] == 1)
