"""Recurrent layers: their products with weights run on a macro, one after the other."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from ....golden.kernels import recurrent
from ..checks import Rules
from ..network import Tensor
from ..operator import Operator
from ..tflite_node import TfliteForm
from .fully_connected import FullyConnected

# Operands of an LSTM: of each gate the weights of inputs and of the state, and the bias; then the two states.
GATES = {"enter": (1, 5, 12), "forget": (2, 6, 13), "new": (3, 7, 14), "leave": (4, 8, 15)}
OUTPUT_STATE, CELL_STATE, LSTM_INPUTS = 18, 19, (20, 24)
# Not supported: peepholes, a projection, normalization of layers.
UNUSED = (*range(9, 12), *range(16, 18), *range(20, 24))
# The scale of what goes into the function of a gate.
GATE_SCALE = np.float32(2.0 ** -12)


@dataclass(frozen=True, kw_only=True)
class Part(FullyConnected):
    """A product of a recurrent layer, int8: its accumulators, which nothing else quantizes.

    ``calls`` is how often it is computed in a run.
    """

    calls: int = 1

    tflite = ()

    @property
    def product(self):
        return self

    def check(self, rules):
        """For accumulators with a bias, which the layer adds."""
        x, weights = rules.inputs[:2]
        rules.quantized(x, dtypes=("int8",))
        rules.require(len(weights.shape) == 2 and weights.size > 0 and weights.shape[1] == x.shape[-1],
                      f"weights of {x.shape[-1]} inputs", list(weights.shape))
        self._check_weights(rules, weights, weights.shape[0], 0)
        rules.require(weights.scales.size == 1 and not weights.zero_points.any(), "one scale and zero point 0",
                      f"{weights.scales.size} scales")

    def max_accumulator(self, tensors):
        """The greatest magnitude of an accumulator."""
        return int(np.abs(tensors[self.inputs[1]].data.astype(np.int64)).sum(axis=1).max()) * 255


def part(node, what, x, weights, shape, calls=1):
    """A product of a layer, with a tensor of its own for the accumulators."""
    node.tensors.append(Tensor(f"{node.location}, {what}", tuple(shape), "int32"))
    return Part(location=f"{node.location}, {what}", inputs=(x, weights, -1), outputs=(len(node.tensors) - 1,),
                calls=calls)


def check_part(rules, operator):
    """The rules of a part, of which an error names the layer."""
    operator.check(Rules(SimpleNamespace(tensors=rules.tensors, variables=rules.variables), operator))


def bias_of(tensors_of, index):
    """A bias as an int64 array, 0 for none."""
    return 0 if index < 0 else tensors_of.tensors[index].data.astype(np.int64)


def check_bias(rules, index, length, max_accumulator):
    """A bias is constant, and its sum with an accumulator of this magnitude is within int32."""
    bias = rules.tensors[index] if index >= 0 else None
    rules.require(bias is None or (bias.data is not None and bias.dtype == "int32" and bias.shape == (length,)),
                  f"a constant bias of {length} int32", bias and f"{bias.dtype} {list(bias.shape)}")
    max_accumulator += int(np.abs(bias_of(rules, index)).max(initial=0))
    rules.require(max_accumulator < 1 << 31, "accumulators within 32 bits", f"up to {max_accumulator}")


@dataclass(frozen=True, kw_only=True)
class Lstm(Operator):
    """Long short-term memory over a sequence, int8 with a state of cells of int16.

    ``gates`` has for each gate the products with inputs and with the state, and the number of its bias or -1; without
    ``"enter"`` what is forgotten enters. ``states`` are numbers of tensors and of variables of output and cells,
    ``hidden`` the tensor whose scale and zero point the output is computed at, ``precision`` that in which scales are
    divided.
    """

    gates: dict = field(hash=False)
    states: tuple
    hidden: int
    clip: float
    is_time_major: bool
    precision: type

    tflite = (TfliteForm("UNIDIRECTIONAL_SEQUENCE_LSTM", 1, 24, "UnidirectionalSequenceLSTMOptions"),)

    @classmethod
    def from_tflite(cls, node):
        options, inputs = node.options, [*node.inputs, *[-1] * (max(LSTM_INPUTS) - len(node.inputs))]
        node.require(len(node.inputs) in LSTM_INPUTS and all(inputs[index] < 0 for index in UNUSED),
                     "no peepholes, projection or layer normalization", f"{len(node.inputs)} inputs")
        node.require(options.FusedActivationFunction() == 4, "the activation tanh", options.FusedActivationFunction())
        is_micro = node.runtime == "tflm"
        node.require(is_micro or len(node.intermediates) == 5, "five intermediate tensors", len(node.intermediates))
        shape = node.shape(0)
        node.require(len(shape) in (2, 3), "inputs of two or three dimensions", list(shape))
        states = [(index, node.variables.of_tensor(index, node.location))
                  for index in (inputs[OUTPUT_STATE], inputs[CELL_STATE])]
        is_time_major = bool(options.TimeMajor()) and len(shape) == 3
        times = shape[0 if is_time_major else 1] if len(shape) == 3 else 1
        gates = {}
        for name, (weights, recurrent_weights, bias) in GATES.items():
            if inputs[weights] < 0 and name == "enter" and not is_micro:
                continue
            node.require(inputs[weights] >= 0 and inputs[recurrent_weights] >= 0, "weights of all gates", name)
            cells = node.tensors[inputs[weights]].shape[:1]
            gates[name] = (part(node, f"inputs of {name}", inputs[0], inputs[weights], (*shape[:-1], *cells)),
                           part(node, f"state of {name}", states[0][0], inputs[recurrent_weights],
                                (*node.tensors[states[0][0]].shape[:-1], *cells), times), inputs[bias])
        node.inputs[1:] = []
        # tflite-micro knows no scale for what it computes but that of the output.
        return cls(**node.common, gates=gates, states=tuple(states), clip=float(options.CellClip()),
                   hidden=inputs[OUTPUT_STATE] if is_micro else node.intermediates[4], is_time_major=is_time_major,
                   precision=node.precision, rounding=node.rounding())

    @property
    def products(self):
        return tuple(product for gate in self.gates.values() for product in gate[:2])

    def check(self, rules):
        x = rules.inputs[0]
        (output, _), (cell, _) = ((rules.tensors[index], number) for index, number in self.states)
        hidden = rules.tensors[self.hidden]
        rules.quantized(x, rules.output, output, dtypes=("int8",))
        rules.quantized(hidden, dtypes=("int8",))
        rules.quantized(cell, dtypes=("int16",))
        fraction, exponent = np.frexp(cell.scale)
        rules.require(fraction == 0.5 and -15 <= exponent - 1 <= -9,
                      "cells of a scale of a power of two from 2**-15 to 2**-9", float(cell.scale))
        rules.require(0 <= self.clip < np.inf, "a clip from 0 on", self.clip)
        batch = x.shape[1] if self.is_time_major else x.shape[0]
        units = output.shape[-1]
        rules.require(output.shape == cell.shape == (batch, units), f"states of shape {[batch, units]}",
                      f"{list(output.shape)} and {list(cell.shape)}")
        for name, (first, second, bias) in self.gates.items():
            for product, source in ((first, x), (second, output)):
                check_part(rules, product)
                weights = rules.tensors[product.inputs[1]]
                rules.require(weights.shape[0] == units, f"gates of {units} cells", f"{name} of {weights.shape[0]}")
                rules.factor(float(source.scale) * float(weights.scale) / float(GATE_SCALE), 2.0 ** 7)
            check_bias(rules, bias, units, max(product.max_accumulator(rules.tensors) for product in (first, second)))
        rules.factor(2.0 ** -30 / float(hidden.scale), 1.0)
        rules.has_shape((*x.shape[:-1], units))

    def compute(self, context, x):
        (output, output_number), (cell, cell_number) = self.states
        exponent = int(np.frexp(context.tensors[cell].scale)[1]) - 1
        clip = int(np.clip(np.float32(self.clip) / context.tensors[cell].scale, 0, 32767))
        hidden = context.tensors[self.hidden]
        factors = {name: [self._factor(context, source, product.inputs[1])
                          for source, product in zip((self.inputs[0], output), products)]
                   for name, (*products, _) in self.gates.items()}
        inputs = {name: self._by_time(context.part(first).accumulators(x)) + bias_of(context, bias)
                  for name, (first, _, bias) in self.gates.items()}
        state, cells, made = context.variable(output_number), context.variable(cell_number), []
        for time in range(inputs["new"].shape[0]):
            gates = {name: recurrent.gate((inputs[name][time], context.part(second).accumulators(state)), factors[name],
                                          "tanh" if name == "new" else "logistic", context.rounding)
                     for name, (_, second, _) in self.gates.items()}
            cells = recurrent.lstm_cell(cells, gates["forget"], gates.get("enter"), gates["new"], exponent=exponent,
                                        clip=clip, rounding=context.rounding)
            state = recurrent.lstm_output(cells, gates["leave"], exponent=exponent, scale=hidden.scale,
                                          zero_point=hidden.zero_point, rounding=context.rounding)
            made.append(state)
        context.assign(output_number, state)
        context.assign(cell_number, cells)
        # (time, run, batch, cell) to the order of the output.
        order = (1, 0, 2, 3) if self.is_time_major else (1, 2, 0, 3)
        return np.stack(made).transpose(order).reshape(len(x), *context.output.shape)

    def _factor(self, context, source, weights):
        """From accumulators of a tensor and weights to what goes into the function of a gate."""
        return (self.precision(context.tensors[source].scale) * self.precision(context.tensors[weights].scale)
                / self.precision(GATE_SCALE))

    def _by_time(self, sums):
        """Accumulators (run, batch, time, cell), or (run, time, batch, cell), or without time, with time first."""
        if sums.ndim == 3:
            return sums[None]
        return sums.transpose(1, 0, 2, 3) if self.is_time_major else sums.transpose(2, 0, 1, 3)


@dataclass(frozen=True, kw_only=True)
class Svdf(Operator):
    """A layer that filters what it has seen: features of the input, which a state keeps, times weights over time.

    ``features`` is the product with the input, which a macro computes; that with the weights over time, one for each
    element of the state, is elementwise. ``state`` is the number of its tensor and its variable, ``weights`` and
    ``bias`` of tensors. ``is_wide``: the state must be of int16, because the runtime has no other.
    ``precision`` is that in which scales are divided.
    """

    features: Part
    weights: int
    bias: int
    state: tuple
    rank: int
    is_wide: bool
    precision: type

    tflite = (TfliteForm("SVDF", 3, 5, "SVDFOptions"),)

    @classmethod
    def from_tflite(cls, node):
        node.require(len(node.inputs) == 5, "five inputs", len(node.inputs))
        x, features, weights, bias, state = node.inputs
        node.require(node.activation == "relu" or node.runtime == "tflm", "the activation relu", node.activation)
        variable = node.variables.of_tensor(state, node.location)
        # Without one the runtime ends.
        node.require(bias >= 0 or node.runtime != "tflm", "a bias with the runtime tflm", "none")
        product = part(node, "features", x, features, (node.shape(0)[0], *node.tensors[features].shape[:1]))
        node.inputs[1:] = []
        return cls(**node.common, features=product, weights=weights, bias=bias, state=(state, variable),
                   rank=int(node.options.Rank()), is_wide=node.runtime == "litert-2.3",
                   precision=node.precision)

    @property
    def products(self):
        return (self.features,)

    def check(self, rules):
        x, output, weights = rules.inputs[0], rules.output, rules.tensors[self.weights]
        state = rules.tensors[self.state[0]]
        rules.quantized(x, output, dtypes=("int8",))
        check_part(rules, self.features)
        filters = rules.tensors[self.features.inputs[1]].shape[0]
        dtypes = ("int16",) if self.is_wide else ("int16", "int8")
        rules.require(weights.data is not None and weights.dtype in dtypes and len(weights.shape) == 2 and
                      weights.shape[0] == filters and weights.scales.size == 1 and not weights.zero_points.any(),
                      f"constant weights over time of int16 for {filters} filters, or of int8 with --runtime tflm",
                      f"{weights.dtype} {list(weights.shape)}")
        rules.quantized(state, weights, dtypes=(weights.dtype,))
        rules.require(self.rank >= 1 and filters % self.rank == 0, f"a rank that divides {filters}", self.rank)
        rules.require(state.shape == (x.shape[0], filters * weights.shape[1]),
                      f"a state of shape {[x.shape[0], filters * weights.shape[1]]}", list(state.shape))
        units = filters // self.rank
        check_bias(rules, -1, units, self.features.max_accumulator(rules.tensors))
        check_bias(rules, self.bias, units, 0)
        for factor in self._factors(rules):
            rules.factor(factor)
        rules.has_shape((x.shape[0], units))

    def _factors(self, context):
        """From the accumulators of features to the state, and from those of the filters to the output."""
        x, output, weights, state = (context.inputs[0], context.output, context.tensors[self.weights],
                                     context.tensors[self.state[0]])
        features = context.tensors[self.features.inputs[1]]
        return tuple(float(self.precision(a.scale) * self.precision(b.scale) / self.precision(c.scale))
                     for a, b, c in ((x, features, state), (state, weights, output)))

    def compute(self, context, x):
        first, second = self._factors(context)
        tensor, weights = context.tensors[self.state[0]], context.tensors[self.weights].data.astype(np.int64)
        filters, memory = weights.shape
        before = context.variable(self.state[1]).reshape(len(x), -1, filters, memory)
        state = recurrent.svdf_state(before, context.part(self.features).accumulators(x), first, tensor.dtype,
                                     tensor.zero_point)
        context.assign(self.state[1], state.reshape(len(x), *tensor.shape))
        y = recurrent.svdf_output(state - tensor.zero_point, weights, self.rank, bias_of(context, self.bias), second)
        return np.clip(y + context.output.zero_point, *context.clamp())
