"""ONNX Runtime as a reference: every node by itself, of the values that the network has before it.

The definition of a node is its kernel without any fusion. It is given what the network computed so far, so that a
difference is counted where it arises and nowhere else. Where the definition leaves the order of float32 additions open,
or the last bits of a function, numbers may differ by what that loses, and integers by a step next to the middle between
two; products that the runtime computes in integers must be equal to those too. What a session with the runtime's
default optimizations gives for the whole network is only said.
"""

from collections import Counter
from functools import partial

import numpy as np

from ....golden.kernels import float_layers
from ..compare import Mismatch
from ..network import DTYPES, QUANTIZED, NetworkError, widened
from ..onnx_node import TO_FIRST, Constant, Product, Value
from ..onnx_operators.scales import QuantizeLinear
from ..operator import OperatorTensors
from ..operators import Reshape, Transpose
from .onnx_file import read_values

MADE = "/made"


class OnnxReference:
    """ONNX Runtime with a model.

    Attributes
    ----------
    compared : Counter
        Values so far, by the kind of node that gives them.
    open : int
        Values that differ by what float32 loses, as the definition says no order of additions, nor last bits.

    Parameters
    ----------
    path : Path
        Of an ``.onnx`` file.

    Raises
    ------
    NetworkError
        It is not installed, or refuses the model.
    """

    name = "ONNX Runtime"

    def __init__(self, path):
        try:
            import onnx
            import onnxruntime
        except ImportError:
            raise NetworkError("onnxruntime not found: pip install -e '.[onnx]'") from None
        self._path, self._onnx, self._runtime, data = path, onnx, onnxruntime, path.read_bytes()
        self._network, self._graph = read_values(data, path.name)
        model = onnx.ModelProto.FromString(data)
        self._inputs = [self._network.tensors[index].name for index in self._network.inputs]
        self._parts = _Parts(onnx, model, self._graph)
        optimization = onnxruntime.GraphOptimizationLevel
        self._definition = self._session(self._parts.model(self._parts.made), optimization.ORT_DISABLE_ALL)
        fused = self._parts.integer_products
        self._integers = self._session(self._parts.model(fused), optimization.ORT_ENABLE_EXTENDED,
                                       is_integer=True) if fused else None
        self._outputs = [output.name for output in model.graph.output]
        self.open, self.compared, self._other, self._runs, self._failed = 0, Counter(), 0, 0, None
        try:
            self._default = self._session(model, optimization.ORT_ENABLE_ALL)
        except NetworkError as error:
            self._failed = str(error)

    def _session(self, model, optimization, *, is_integer=False):
        options = self._runtime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.graph_optimization_level = optimization
        if is_integer:
            # Otherwise a product of int8 is computed in floating point.
            options.add_session_config_entry("session.qdqisint8allowed", "1")
        return self._asked("take", lambda: self._runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]))

    def _asked(self, what, function):
        try:
            return function()
        except Exception as error:
            # Its errors have no class of their own in common.
            raise NetworkError(f"onnxruntime must {what} {self._path}, and does not: {str(error).splitlines()[0]}"
                               ) from None

    def compare(self, network, values, inputs):
        """Where the values of some runs differ from the definition.

        Parameters
        ----------
        network : Network
        values : dict of int to array (N, *shape)
            As `Inference.run` gives them.
        inputs : list of arrays (N, *shape), one for each input of the network

        Returns
        -------
        list of Mismatch
        """
        ours = {name: self._graph.in_file(value, values) for name, value in self._parts.values.items()}
        fed = {name: ours[name] for name in self._parts.cut}
        fed.update((name, x) for name, x in zip(self._inputs, inputs, strict=True))
        theirs = self._run(self._definition, fed)
        integers = self._run(self._integers, fed) if self._integers else {}
        found = []
        for location, name in self._parts.compared:
            made = theirs[self._parts.made_name(name)]
            if name in self._parts.products:
                wrong = self._beside(name, ours[name], theirs[self._parts.products[name]], values)
                if self._parts.made_name(name) in integers:
                    made = integers[self._parts.made_name(name)]
                    wrong |= ours[name] != made
            else:
                wrong = self._differs(name, ours[name], made, values)
            self.compared[self._parts.judged[name]] += wrong.size
            if wrong.any():
                position = tuple(np.argwhere(wrong)[0].tolist())
                found.append(Mismatch(location, int(wrong.sum()), position, ours[name][position].item(),
                                      made[position].item()))
        self._compare_default(ours, inputs)
        return found

    def _run(self, session, fed):
        """Outputs of a session by name, (N, *shape)."""
        kinds = {value.name: value.type for value in session.get_inputs()}
        names = [value.name for value in session.get_outputs()]
        arrays = {name: fed[name].astype(_dtype(kind)) for name, kind in kinds.items()}
        runs = [self._asked("run", partial(session.run, names, {name: x[number] for name, x in arrays.items()}))
                for number in range(len(next(iter(fed.values()))))]
        return {name: np.stack(found) for name, found in zip(names, zip(*runs))}

    def _slack(self, name, values):
        """What the definition leaves open of a tensor, in the layout of the file, float64."""
        value = self._parts.values[name]
        slack = self._slack_of(value.index, values)
        return slack.transpose(0, *(axis + 1 for axis in TO_FIRST)) if value.is_last else slack

    def _slack_of(self, index, values):
        """As a tensor is stored; what only moves elements has that of its input."""
        operator, shape = self._graph.makers.get(index), values[index].shape
        if operator is None:
            return np.zeros(shape)
        tensors = OperatorTensors(self._network, operator)
        if isinstance(operator, (Reshape, Transpose)):
            return operator.compute(tensors, self._slack_of(operator.inputs[0], values))
        operands = (values[other] if other in values else self._network.tensors[other].data[None]
                    for other in operator.operands)
        return np.broadcast_to(np.asarray(operator.slack(tensors, *map(widened, operands)), np.float64), shape)

    def _differs(self, name, ours, theirs, values):
        """Where numbers differ by more than what is left open, or integers at all."""
        wrong = (ours != theirs) & ~((ours != ours) & (theirs != theirs))
        if not wrong.any() or ours.dtype.kind != "f":
            return wrong
        beyond = ~(np.abs(ours.astype(np.float64) - theirs) <= self._slack(name, values))
        self.open += int((wrong & ~beyond).sum())
        return wrong & beyond

    def _beside(self, name, ours, numbers, values):
        """Where integers are not those of numbers, give or take what is left open, and a step at most."""
        tensor = self._graph.tensors[self._parts.values[name].index]
        slack, numbers = self._slack(name, values), numbers.astype(np.float64)
        low, exact, high = (
            float_layers.quantize(x, np.float64(tensor.scale), tensor.zero_point, QUANTIZED[tensor.dtype])
            for x in (numbers - slack, numbers, numbers + slack))
        # What all additions may lose is many steps of 16 bits where many are added; what they do lose is not one.
        low, high = np.maximum(low, exact - 1), np.minimum(high, exact + 1)
        self.open += int(((ours != exact) & (low <= ours) & (ours <= high)).sum())
        return (ours < low) | (ours > high)

    def _compare_default(self, ours, inputs):
        self._runs += len(inputs[0])
        if self._failed:
            return
        try:
            theirs = self._run(self._default, dict(zip(self._inputs, inputs)))
        except NetworkError as error:
            self._failed = str(error)
            return
        for name in self._outputs:
            mine = ours.get(name)
            if mine is not None:
                self._other += int((mine != theirs[name]).any(axis=tuple(range(1, mine.ndim))).sum())

    @property
    def notes(self):
        """What the runs so far have shown beside mismatches, a line each."""
        lines = []
        if self.open:
            lines.append(f"{self.open} of {self.compared.total()} values differ from {self.name}'s by what float32 "
                         "loses there: products are exact here, and the definition leaves open the order of other "
                         "additions and the last bits of functions")
        if self._other:
            reasons = self._parts.reasons
            lines.append(f"a default session of {self.name}, which fuses operators, gives another output for "
                         f"{self._other} of {self._runs} inputs" + (f" ({'; '.join(reasons)})" if reasons else ""))
        if self._failed:
            lines.append(f"a default session fails where one without optimizations does not: {self._failed}")
        return lines


def _dtype(kind):
    """numpy's type for one of the runtime's, as ``tensor(float)``."""
    name = kind.removeprefix("tensor(").removesuffix(")")
    return DTYPES[{"float": "float32"}.get(name, name)]


class _Parts:
    """A model cut into its nodes.

    Attributes
    ----------
    values : dict of str to Value
        By name in the file: what the network computes of it.
    cut : list of str
        Names that are inputs of the cut model; what a node makes of such a name has another.
    made : list of str
        Outputs of the cut model.
    compared : list of (location, name)
    judged : dict of str to str
        By name the kind of node that is judged by it: of what quantizes a product that of the product.
    products : dict of str to str
        For what quantizes a product that is nowhere numbers: the name of the numbers in the file.
    integer_products : list of str
        Outputs of the cut model that the runtime computes in integers.
    reasons : list of str
        Why a session that fuses may give something else.
    """

    def __init__(self, onnx, model, graph):
        self._onnx, self._model, self._graph = onnx, model, graph
        self._makers = {name: node for node in model.graph.node for name in node.output}
        held = {name: graph.held(value) for name, value in graph.values.items()}
        self.values = {name: value for name, value in held.items() if value is not None}
        self.cut, self.compared, self.products, self.integer_products, self.reasons = [], [], {}, [], []
        self.judged = {}
        for number, node in enumerate(model.graph.node):
            self._look(f"node {number} ({node.op_type})", node)
        names = [self.made_name(name) for _, name in self.compared]
        self.made = [*names, *dict.fromkeys(name for name in self.products.values() if name not in names)]

    def _look(self, location, node):
        values, before = self._graph.values, self._graph.values.get(node.input[0]) if node.input else None
        for name in node.output:
            if isinstance(values.get(name), Constant) or name not in self.values:
                continue
            self.compared.append((location, name))
            self.judged[name] = node.op_type
            if node.op_type != "DequantizeLinear":
                self.cut.append(name)
        if node.op_type == "QuantizeLinear" and isinstance(before, Product) and before.is_integer and (
                not isinstance(self._graph.makers.get(values[node.output[0]].index), QuantizeLinear)):
            self.products[node.output[0]] = self.made_name(node.input[0]) if node.input[0] in self.values else (
                node.input[0])
            self.judged[node.output[0]] = self._behind_clamps(node.input[0]).op_type
            if self._is_fused(before, values[node.output[0]], node.input[0]):
                self.integer_products.append(node.output[0] + MADE)
        if node.op_type == "QuantizeLinear" and isinstance(before, Value) and before.dequantized and not (
                self._same_grid(before, values[node.output[0]])):
            self.reasons.append(f"{location} may be merged with the pair before it")
        made = values.get(node.output[0]) if node.output else None
        if isinstance(made, Product) and made.has_own_bias and node.op_type not in ("Relu", "Clip"):
            self.reasons.append(f"the bias of {location} may be taken at another scale than its own")

    def _is_fused(self, product, value, name):
        """The runtime has a kernel of integers for a product, and what is clamped behind it is clamped by its type."""
        tensor, node = self._graph.tensors[value.index], self._behind_clamps(name)
        low, _ = QUANTIZED[tensor.dtype]
        before = [self._makers.get(operand) for operand in node.input]
        if not all(maker is not None and maker.op_type == "DequantizeLinear" for maker in before):
            return False
        x, weights = (self._kind(maker.input[0]) for maker in before[:2])
        # Of two bits it makes a graph that it then refuses, of four none.
        if weights not in (np.int8, np.uint8) or (x == np.int8 and weights == np.uint8):
            return False
        return product.bounds == (None, None) or (product.bounds == (0.0, None) and tensor.zero_point == low)

    def _behind_clamps(self, name):
        """The node that makes a name, before clamps."""
        node = self._makers[name]
        while node.op_type in ("Relu", "Clip"):
            node = self._makers[node.input[0]]
        return node

    def _kind(self, name):
        """Type of integers that a name stands for."""
        value = self._graph.values[name]
        if isinstance(value, Constant):
            return value.array.dtype
        return np.dtype(DTYPES[self._graph.tensors[value.index].dtype])

    def _same_grid(self, before, after):
        a, b = (self._graph.tensors[value.index] for value in (before, after))
        return a.dtype == b.dtype and all(np.array_equal(*pair) for pair in (
            (a.scales, b.scales), (a.zero_points, b.zero_points)))

    def made_name(self, name):
        """What the cut model calls what its node makes of a name."""
        return name + MADE if name in self.cut else name

    def model(self, outputs):
        """The cut model with some outputs."""
        model = type(self._model)()
        model.CopyFrom(self._model)
        graph, helper, cut = model.graph, self._onnx.helper, set(self.cut)
        for node in graph.node:
            node.output[:] = [name + MADE if name in cut else name for name in node.output]
        del graph.output[:], graph.value_info[:], graph.input[:]
        for name in dict.fromkeys([*(value.name for value in self._model.graph.input), *self.cut]):
            if name in self.values:
                value = self.values[name]
                dtype = "float32" if value.dequantized else self._graph.tensors[value.index].dtype
                graph.input.append(helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(np.dtype(DTYPES[dtype])), value.shape))
        graph.output.extend(self._onnx.ValueInfoProto(name=name) for name in outputs)
        return model
