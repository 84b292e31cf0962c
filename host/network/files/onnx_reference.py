"""ONNX Runtime as a witness: every quantized tensor of a run."""

import numpy as np

from ..network import NetworkError
from ..onnx_node import TO_LAST, Value
from ..operators import ONNX, Dequantize, Quantize, Relu
from .onnx_file import read_values

# Products of integers, exact whatever the order of their additions.
PRODUCTS = {name for name, operator in ONNX.items() if operator.is_matrix}
OTHERS = {*Quantize.onnx, *Dequantize.onnx, "Constant"}


class OnnxReference:
    """ONNX Runtime with a model: products in integers, all else in float32 as ONNX defines it.

    Its fused kernels for the rest, as QLinearAdd, round halves as suits the processor that they run on.

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
        data = path.read_bytes()
        values = read_values(data, path.name)[1]
        model = onnx.ModelProto.FromString(data)
        made = {node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
        self._values = {name: value for name, value in values.items() if name in made and isinstance(value, Value)}
        # What is an output is not fused with the quantizer behind it.
        shown = {*self._values, *self._apart(model.graph.node)}
        model.graph.output.extend(onnx.ValueInfoProto(name=name)
                                  for name in sorted(shown - {output.name for output in model.graph.output}))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        # Without this, a product of int8 is computed in floating point.
        options.add_session_config_entry("session.qdqisint8allowed", "1")
        try:
            self._session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                                         providers=["CPUExecutionProvider"])
        except Exception as error:
            # Its errors have no class of their own in common.
            raise NetworkError(f"onnxruntime must take {path}, and does not: {str(error).splitlines()[0]}") from None

    def run(self, *inputs):
        """Every tensor that a QuantizeLinear makes.

        Parameters
        ----------
        inputs : arrays (N, *shape), one for each input of the network

        Returns
        -------
        dict of int to array (N, *shape)
            By number in `Network.tensors`, and laid out as there.
        """
        names = [value.name for value in self._session.get_inputs()]
        kinds = {value.name: np.int8 if "int8" in value.type else np.float32 for value in self._session.get_inputs()}
        runs = [self._session.run(list(self._values), {name: np.asarray(x, kinds[name]) for name, x in zip(names, run)})
                for run in zip(*inputs, strict=True)]
        return {value.index: np.stack([self._as_ours(value, y) for y in found])
                for value, found in zip(self._values.values(), zip(*runs))}

    @staticmethod
    def _apart(nodes):
        """Outputs of all nodes but products, and the clamps behind them, which belong to a product's kernel."""
        made = {node.output[0]: node.op_type for node in nodes}
        return [node.output[0] for node in nodes if node.op_type not in PRODUCTS | OTHERS and not (
            node.op_type in Relu.onnx and made.get(node.input[0]) in PRODUCTS)]

    @staticmethod
    def _as_ours(value, y):
        """Signed, and channels last where ours are."""
        y = y.astype(np.int64) - (128 if y.dtype == np.uint8 else 0)
        return y.transpose(TO_LAST) if value.is_last and y.ndim == 4 else y
