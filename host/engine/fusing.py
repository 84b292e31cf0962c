"""Which layers run together."""

import math

from ...golden.engine.checks import WINDOW
from ..network.operators import Add, Conv2D, DepthwiseConv2D, ReadVariable, Reshape, Selection
from ..network.window import ceil_div
from .packing import choose

# The zero point with which elements are unsigned.
LOWEST = -128


class Fusing:
    """Decisions about the operators of a network.

    Parameters
    ----------
    config : EngineConfig
    supported : Supported
    is_wanted : bool
        Otherwise each layer is by itself.

    Attributes
    ----------
    makers : dict of int to Operator
        By number of a tensor the operator that gives it.
    sums : dict of int to (Add, int)
        By number of a convolution's output: the sum that is computed with it, and which of its operands that output is.
    """

    def __init__(self, config, supported, is_wanted):
        self._config, self._supported, self._tensors = config, supported, supported.network.tensors
        self.is_wanted = is_wanted
        self.makers = {index: operator for operator in supported.operators for index in operator.outputs}
        self.sums = self._choose_sums() if is_wanted else {}

    def _choose_sums(self):
        operators, fused = self._supported.operators, {}
        made = {index: number for number, operator in enumerate(operators) for index in operator.outputs}
        for operator in (each for each in operators if type(each) is Add):
            numbers = [made.get(index, -1) for index in operator.inputs]
            own = int(numbers[1] > numbers[0])
            index = operator.inputs[own]
            producer = operators[numbers[own]] if numbers[own] >= 0 else None
            shapes = {self._tensors[each].shape for each in (*operator.inputs, operator.output)}
            if type(producer) is Conv2D and producer.groups == 1 and len(shapes) == 1 and (
                    len(self._supported.readers[index]) == 1 and index not in self._supported.outputs):
                fused[index] = operator, own
        return fused

    def is_for_unit(self, operator):
        """A depthwise convolution that the unit has."""
        if type(operator) is not DepthwiseConv2D or not self._config.depthwise:
            return False
        # Others' elements are not laid out for its windows.
        if type(self.makers.get(operator.inputs[0])) in (Reshape, Selection, ReadVariable):
            return False
        shape, config = self._tensors[operator.inputs[1]].shape, self._config
        if not self._see_source(operator):
            return False
        # Pixels must be read as fast as positions are computed.
        return (shape[3] == self._tensors[operator.inputs[0]].shape[-1] and max(shape[1:3]) <= WINDOW and
                max(operator.stride) <= 2 and
                ceil_div(shape[3], config.depthwise) >= ceil_div(shape[3], config.lanes) * operator.stride[1])

    def _see_source(self, operator):
        """Whether each window of a convolution sees a pixel of its source, and not only padding."""
        conv = operator.convolution(self._tensors)
        lengths = self._tensors[operator.inputs[0]].shape[1:3]
        return all(before < size and (count - 1) * step - before < length for (before, _), size, count, step, length in
                   zip(conv.padding, conv.kernel.shape[1:3], conv.image, conv.stride, lengths))

    def follower(self, operator):
        """The convolution of single pixels that alone reads the results of a depthwise one, of one tile; or None."""
        supported, channels = self._supported, self._tensors[operator.output].shape[-1]
        readers = supported.readers.get(operator.output, [])
        is_last = operator.output in supported.outputs
        if not self.is_wanted or len(readers) != 1 or type(readers[0]) is not Conv2D or is_last:
            return None
        reader, config = readers[0], self._config
        outputs, *size, _ = self._tensors[reader.inputs[1]].shape
        is_plain = (reader.groups, *reader.stride, *size) == (1,) * 5 and not any(map(any, reader.padding))
        # The lanes have no time for sums where they are used for what feeds the layer, too.
        is_free = reader.output not in self.sums
        operators = supported.operators
        follows = operators.index(reader) == operators.index(operator) + 1
        fits = channels <= min(config.macro.rows, config.most_depthwise_channels) and outputs <= config.columns
        is_able = is_plain and is_free and follows and fits
        return reader if is_able and self._gains(operator, reader) else None

    def _gains(self, operator, reader):
        """Whether feeding is expected to take fewer cycles than one after the other, with more positions a vector."""
        config = self._config
        first, second = (each.convolution(self._tensors) for each in (operator, reader))
        is_unsigned = self._tensors[reader.inputs[0]].zero_point == LOWEST
        alone, fed = (choose(config, second, is_unsigned=is_unsigned, is_contiguous=True, is_fed=is_fed,
                             is_residual=reader.output in self.sums).cycles for is_fed in (False, True))
        positions, groups = math.prod(first.image), ceil_div(first.groups, config.depthwise)
        # Lanes are shared.
        slots = ceil_div(first.groups, config.lanes) + ceil_div(second.outputs, config.lanes)
        return max(fed, positions * max(groups, slots)) < alone + positions * groups
