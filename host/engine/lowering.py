"""Lowering: the operators of a network as steps of the engine, on buffers of its memory."""

import math
from dataclasses import replace

import numpy as np

from ...golden.engine.checks import MOST_SUMMED, SUMMED_WORDS, WINDOW
from ...golden.engine.descriptor import RANGES, Flags, Operation
from ..network.network import NetworkError
from ..network.operators import (
    Add,
    AssignVariable,
    AveragePool2D,
    Concatenation,
    Conv2D,
    FullyConnected,
    MaxPool2D,
    Mean,
    ReadVariable,
    Reshape,
    Selection,
)
from . import requantization
from .fusing import LOWEST, Fusing
from .memory import Buffer, View
from .packing import block_toeplitz, choose
from .steps import Step
from .supported import Supported


class Lowering:
    """Steps of a network.

    Parameters
    ----------
    config : EngineConfig
    network : Network
    batch : int
        Inputs that run together, for networks of fully connected layers.
    fuse : bool
        Layers that follow one another run together where they can.

    Attributes
    ----------
    steps : list of Step
    buffers : dict of int to Buffer
        By number of the tensor; a tensor that is another one's elements shares its buffer, or is a `View` of it.
    states : list of Buffer
        Of the variables.
    inputs, outputs : list of int
        Numbers of the tensors that go in and come out, as in `Supported`.

    Raises
    ------
    NetworkError
        In one line all operators that the engine does not have.
    """

    def __init__(self, config, network, *, batch=1, fuse=True):
        self.config, self.network, self.steps, self.buffers = config, network, [], {}
        self._batch, self._tensors, self._done = batch, network.tensors, set()
        self._moves = {Reshape: self._reshape, Selection: self._select, Concatenation: self._concatenate,
                       ReadVariable: self._read, AssignVariable: self._assign}
        supported = Supported(network, batch)
        self.inputs, self.outputs, self._readers = supported.inputs, supported.outputs, supported.readers
        self._fusing = Fusing(config, supported, fuse)
        # Tensors whose rows the depthwise unit reads.
        self._windows = {operator.inputs[0] for operator in supported.operators if self._fusing.is_for_unit(operator)}
        self.states = [Buffer(variable.name, *self._image_of(variable.initial.shape), maker="state")
                       for variable in network.variables]
        for index in self.inputs:
            self._input(index)
        for operator in supported.operators:
            self._lower(operator)
        for index in self.outputs:
            if index not in self.buffers:
                raise NetworkError(f"output {self._tensors[index].name} must be computed on an engine, and is constant")
        self._set_lifetimes()

    # Buffers.

    def _buffer(self, index):
        """The buffer of a tensor that is computed, or comes in."""
        buffer = self.buffers[index] = Buffer(self._tensors[index].name, *self._image(index))
        buffer.maker = self._fusing.makers[index].location if index in self._fusing.makers else "input"
        if index in self._windows:
            buffer.align(self.config.lanes)
        return buffer

    def _image(self, index):
        """Height, width and channels of a tensor."""
        return self._image_of(self._tensors[index].shape)

    def _image_of(self, shape):
        """Those of a shape; its rows, where it is no image."""
        *others, channels = shape or (1,)
        if len(others) == 3 and others[0] == 1:
            return (*others[1:], channels)
        return 1, math.prod(others) * self._batch, channels

    def _source(self, operator, index=0):
        """The buffer of an operand, which is as its tensor is."""
        number = operator.inputs[index]
        buffer, image = self.buffers[number], self._image(number)
        if buffer.is_turned:
            image = image[1], image[0], image[2]
        if (buffer.height, buffer.width, buffer.channels) != image:
            raise NetworkError(f"{operator.location} must not read reshaped elements on an engine, where only "
                               "FULLY_CONNECTED does")
        return buffer

    def _input(self, index):
        """The buffer of an input; of a single channel with its columns as rows, where windows have more rows."""
        buffer, readers = self._buffer(index), self._readers.get(index, [])
        if buffer.channels == 1 and len(readers) == 1 and type(readers[0]) is Conv2D and index not in self.outputs:
            tall, wide = self._tensors[readers[0].inputs[1]].shape[1:3]
            if tall > wide:
                self.buffers[index] = Buffer(buffer.name, buffer.width, buffer.height, 1, is_turned=True)

    def _set_lifetimes(self):
        steps = self.steps
        for buffer in self.roots:
            written = [number for number, step in enumerate(steps) if step.target.root is buffer]
            read = [number for number, step in enumerate(steps) if step.source.root is buffer or (
                step.residual is not None and step.residual.root is buffer)]
            is_state = buffer in self.states
            is_input = any(self.buffers[index].root is buffer for index in self.inputs)
            is_output = any(self.buffers[index].root is buffer for index in self.outputs)
            if is_output:
                # After the last step, whose results it must not have if they go into a state.
                read.append(len(steps))
            buffer.first = -1 if is_input or is_state else min(written, default=-1)
            buffer.last = len(steps) if is_state else max([*read, *written, buffer.first])
            if is_state and written and read and max(read) > min(written):
                raise NetworkError(f"{buffer.name} must be read before it is assigned on an engine")

    @property
    def roots(self):
        """The buffers that are placed."""
        found = [buffer.root for buffer in (*self.buffers.values(), *self.states)]
        return list({id(buffer): buffer for buffer in found}.values())

    # Movement.

    def _reshape(self, operator):
        """Other dimensions of the same bytes; with gaps between them what they were, which is enough for some."""
        buffer, image = self.buffers[operator.inputs[0]], self._image(operator.output)
        self.buffers[operator.output] = View(buffer, 0, *image) if buffer.is_dense else buffer

    def _select(self, operator):
        buffer = self._source(operator)
        for part, output in zip(operator.parts, operator.outputs):
            ranges = [list(chosen) for chosen in part]
            starts = [0, 0, 0, *(chosen[0] for chosen in ranges)][-3:]
            lengths = [1, 1, 1, *map(len, ranges)][-3:]
            view = View(buffer, starts[0] * buffer.pitch + starts[1] * buffer.pixel + starts[2], *lengths, buffer.pixel,
                        buffer.pitch)
            image = self._image(output)
            self.buffers[output] = view if image == tuple(lengths) or not view.is_dense else View(view, 0, *image)

    def _concatenate(self, operator):
        """A copy of each operand behind the one before it."""
        whole, offset = self._buffer(operator.output), 0
        axis = operator.axis - len(self._tensors[operator.output].shape)
        stride = {-3: whole.pitch, -2: whole.pixel, -1: 1}[axis]
        for number in range(len(operator.inputs)):
            source = self._source(operator, number)
            image = source.height, source.width, source.channels
            self._copy(operator, source, View(whole, offset * stride, *image, whole.pixel, whole.pitch))
            offset += image[axis]
        self.steps[-1].output, self.steps[-1].whole = operator.output, whole

    def _read(self, operator):
        self.buffers[operator.output] = self.states[operator.variable]

    def _assign(self, operator):
        self._copy(operator, self._source(operator), self.states[operator.variable])

    def _copy(self, operator, source, target):
        """A POOL of single pixels."""
        sums = requantization.of_maximum(*requantization.INT8)
        self.steps.append(Step(Operation.POOL, operator.location, None, source, target, None, {
            **self._window_fields((1, 1), (1, 1), ((0, 0), (0, 0))), "depth": source.channels, **sums.fields},
            sums=sums))

    # Steps.

    def _lower(self, operator):
        location = operator.location
        if type(operator) in self._moves:
            self._moves[type(operator)](operator)
        elif isinstance(operator, Conv2D | FullyConnected):
            if self._fusing.is_for_unit(operator):
                self._lower_depthwise(operator)
            elif operator not in self._done:
                self._lower_convolution(operator)
        elif isinstance(operator, Add):
            if operator.output not in self.buffers:
                a, b = (self._source(operator, index) for index in (0, 1))
                sums = requantization.of_sum(operator, self._tensors, 0)
                self.steps.append(Step(Operation.ADD, location, operator.output, a, self._buffer(operator.output), b,
                                       {**sums.fields, "depth": a.channels}, sums=sums))
        else:
            self._lower_pool(operator)

    def _lower_pool(self, operator):
        source = self._source(operator)
        x, output = (self._tensors[index] for index in (operator.inputs[0], operator.output))
        target = self._buffer(operator.output)
        if isinstance(operator, Mean):
            size, stride, padding = (source.height, source.width), (1, 1), ((0, 0), (0, 0))
            sums = requantization.of_mean(operator, x, output, math.prod(size))
            target.height = target.width = 1
        else:
            size, stride, padding = operator.size, operator.stride, operator.padding
            low, high = requantization.limits(operator, output)
            sums = (requantization.of_average(operator, math.prod(size), low, high)
                    if isinstance(operator, AveragePool2D) else requantization.of_maximum(low, high))
        fields = dict(sums.fields)
        if self._is_summed(operator, source, size):
            self.steps[-1].fields["flags"] |= Flags.SUMS
            fields["flags"] = Flags.SUMS
        self.steps.append(Step(Operation.POOL, operator.location, operator.output, source, target, None, {
            **self._window_fields(size, stride, padding), "depth": source.channels, **fields}, sums=sums))

    def _is_summed(self, operator, source, size):
        """Whether the sums of a whole image are those that the step before can add up."""
        last = self.steps[-1] if self.steps else None
        if not self._fusing.is_wanted or isinstance(operator, MaxPool2D) or last is None or last.target is not source:
            return False
        is_whole = tuple(size) == (source.height, source.width) and source.channels <= SUMMED_WORDS * self.config.lanes
        return (is_whole and math.prod(size) <= MOST_SUMMED and last.operation == Operation.CONV and
                last.fields["channels"] == source.channels)

    @staticmethod
    def _window_fields(size, stride, padding):
        return {"tall": size[0], "wide": size[1], "step_y": stride[0], "step_x": stride[1], "top": -padding[0][0],
                "left": -padding[1][0]}

    def _lower_depthwise(self, operator):
        conv, source = operator.convolution(self._tensors), self._source(operator)
        x, target = self._tensors[operator.inputs[0]], self._buffer(operator.output)
        parameters = requantization.of_matrix(operator, self._tensors, 0)
        most = self.config.most_depthwise_channels
        size, follower = conv.kernel.shape[1:3], self._fusing.follower(operator)
        for first in range(0, source.channels, most):
            end = min(first + most, source.channels)
            rows = self._tap_rows(conv.kernel[first:end].reshape(end - first, *size))
            self.steps.append(Step(
                Operation.DEPTHWISE, operator.location, operator.output, source, target, None,
                {**self._window_fields(size, conv.stride, conv.padding), "depth": end - first, "fill": x.zero_point,
                 "channels": end - first}, [rows], part_of(parameters, first, end), None, first, first))
        if follower:
            self._feed(self.steps[-1], follower)

    def _tap_rows(self, kernel):
        """Rows of the tile memory: the window of each so many channels, tap by tap."""
        config, taps = self.config, WINDOW ** 2
        channels, groups = config.depthwise, -(-len(kernel) // config.depthwise)
        window = np.zeros((groups * channels, WINDOW, WINDOW), kernel.dtype)
        window[:len(kernel), :kernel.shape[1], :kernel.shape[2]] = kernel
        taps = window.reshape(groups, channels, taps).transpose(0, 2, 1).reshape(groups, -1)
        return padded(taps, config.tap_rows * config.columns).reshape(-1, config.columns)

    def _feed(self, step, follower):
        """Let the results of a step be the vectors of a convolution, which then has no source of its own."""
        self._lower_convolution(follower, is_fed=True)
        self._done.add(follower)
        fed = self.steps[-1]
        fed.source, fed.is_fed = step.source, True
        step.fields["flags"], step.target, step.output = Flags.FEEDS, fed.target, fed.output
        # They go nowhere else.
        del self.buffers[follower.inputs[0]]

    def _lower_convolution(self, operator, is_fed=False):
        conv = operator.convolution(self._tensors)
        source = self.buffers[operator.inputs[0]] if isinstance(operator, FullyConnected) else self._source(operator)
        x, config = self._tensors[operator.inputs[0]], self.config
        conv = self._on_buffer(operator, conv, source)
        is_unsigned = x.zero_point == LOWEST
        add, own = self._fusing.sums.get(operator.output, (None, 0))
        packing = choose(config, conv, is_unsigned=is_unsigned, is_contiguous=source.pixel == source.channels,
                         is_residual=add is not None, is_fed=is_fed)
        if packing is None:
            self._check_sum_slots(operator, conv, is_unsigned)
            raise NetworkError(f"{operator.location} must have results of a position in {config.columns} columns "
                               f"of the macro")
        offset = LOWEST if is_unsigned else 0
        parameters = requantization.of_matrix(operator, self._tensors, offset)
        self._check_sums(operator, conv, is_unsigned)
        output = add.output if add else operator.output
        target, flags = self._buffer(output), Flags.UNSIGNED if is_unsigned else Flags(0)
        residual, sums = None, None
        location = operator.location
        if add:
            residual = self._source(add, 1 - own)
            sums = requantization.of_sum(add, self._tensors, own)
            flags |= Flags.RESIDUAL | sums.fields["flags"]
            location = f"{operator.location} with {add.location}"
        window = self._window_fields((packing.tall, packing.wide), (
            packing.height * conv.stride[0], packing.width * conv.stride[1]), conv.padding)
        channels = packing.groups * conv.outputs
        for group in range(0, conv.groups, packing.groups):
            first, result = group * conv.depth, group * conv.outputs
            self.steps.append(Step(
                Operation.CONV, location, output, source, target, residual,
                {**window, **(sums.fields if sums else {}), "flags": flags, "fill": x.zero_point,
                 "depth": packing.depth, "channels": channels, "outputs": packing.outputs,
                 "block_height": packing.height, "block_width": packing.width, "part_rows": packing.part_rows,
                 "strip": packing.strip, "split": packing.split},
                self._tiles(conv, packing, group), part_of(parameters, result, result + channels), sums,
                first, result, is_turned=source.is_turned))

    def _check_sum_slots(self, operator, conv, is_unsigned):
        """NetworkError if partial sums have too little room for a packing."""
        wide = replace(self.config, sum_slots=RANGES["strip"][1])
        if choose(wide, conv, is_unsigned=is_unsigned, is_contiguous=False):
            raise NetworkError(f"{operator.location} must find room in the engine, whose sum_slots must hold the "
                               f"partial sums of a vector, and are {self.config.sum_slots}")

    def _on_buffer(self, operator, conv, source):
        """A fully connected layer as a convolution of what its input is in memory."""
        if source.is_turned:
            return type(conv)(conv.kernel.transpose(0, 2, 1, 3), (1, source.height, source.width, 1), conv.image[::-1],
                              conv.stride[::-1], conv.dilation, conv.padding[::-1])
        if not isinstance(operator, FullyConnected):
            return conv
        kernel, shape = conv.kernel, (1, source.height, source.width, source.channels)
        if kernel.shape[3] == source.channels:
            return conv_like(conv, kernel, shape, (source.height, source.width))
        if kernel.shape[3] != source.height * source.width * source.channels:
            raise NetworkError(f"{operator.location} must have inputs of a pixel or of an image on an engine, not "
                               f"{kernel.shape[3]} of {source.height} x {source.width} x {source.channels}")
        return conv_like(conv, kernel.reshape(-1, *shape[1:]), shape, (1, 1))

    def _check_sums(self, operator, conv, is_unsigned):
        """Every partial sum fits."""
        kernel = conv.kernel.astype(np.int64).reshape(len(conv.kernel), -1)
        up, down = kernel.clip(min=0).sum(axis=1), -kernel.clip(max=0).sum(axis=1)
        most = max(up.max(), down.max()) * 255 if is_unsigned else (up + down).max() * 128
        if most >= 1 << self.config.sum_bits - 1:
            raise NetworkError(f"{operator.location} must have sums within {self.config.sum_bits} bits (sum_bits of "
                               f"the engine), not up to {int(most)}")

    def _tiles(self, conv, packing, group):
        """Tiles (rows, columns), each column of tiles part by part."""
        config, block = self.config, block_toeplitz(conv, packing, group)
        tiles = []
        for first in range(0, block.shape[2], packing.outputs):
            part = block[:, :, first:first + packing.outputs]
            room = -part.shape[2] % config.lanes
            whole = np.pad(part, ((0, 0), (0, 0), (0, room))).reshape(len(part), -1)
            whole = padded(whole, config.columns)
            tiles += [whole[row:row + packing.part_rows] for row in range(0, len(whole), packing.part_rows)]
        return tiles


def padded(rows, columns):
    """Rows with zeros up to so many columns."""
    return np.pad(rows, ((0, 0), (0, columns - rows.shape[1])))


def conv_like(conv, kernel, shape, image):
    """A convolution with stride 1 and without padding."""
    return type(conv)(kernel, shape, image)


def part_of(parameters, first, end):
    """Parameters of some channels."""
    return type(parameters)(parameters.bias[first:end], parameters.multiplier[first:end], parameters.shift[first:end],
                            parameters.rounding, parameters.zero_point, parameters.low, parameters.high)
