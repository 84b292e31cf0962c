"""What of a file is in the way, all of it: each thing once, with its place, how often, and what would help."""

from ..network import NetworkError

# By kind of operator, in .onnx files.
HELP = {
    "BatchNormalization": "fold it into the weights before quantization (onnxruntime.quantization.shape_inference."
                          "quant_pre_process)",
    "DynamicQuantizeLinear": "its scales come with each input: use quantize_static instead of quantize_dynamic",
    "MatMulInteger": "use quantize_static instead of quantize_dynamic",
    "ConvInteger": "use quantize_static instead of quantize_dynamic",
    "DynamicQuantizeMatMul": "use quantize_static instead of quantize_dynamic",
    "LSTM": "run the recurrence outside, one step a run",
    "GRU": "run the recurrence outside, one step a run",
}
MOST_LISTED = 12


class Refusals:
    """Reasons by kind of operator."""

    def __init__(self):
        self._reasons = {}

    def add(self, kind, place, reason=None):
        """A thing in the way: a kind of operator that is not read at all, or a reason of one that is."""
        # The same reason at another place is the same.
        text = reason and reason.removeprefix(place).strip()
        self._reasons.setdefault((kind, text), (place, reason, []))[2].append(place)

    def refuse(self, name):
        """Raise `NetworkError` if there is anything."""
        if not self._reasons:
            return
        lines = [self._line(kind, *entry) for (kind, _), entry in self._reasons.items()]
        if len(lines) > MOST_LISTED:
            lines[MOST_LISTED:] = [f"and {len(lines) - MOST_LISTED} more"]
        count = "" if len(lines) == 1 else f"{name} is refused for {len(self._reasons)} reasons: "
        raise NetworkError(count + "; ".join(lines))

    @staticmethod
    def _line(kind, place, reason, places):
        """Of one thing."""
        text = reason or f"{place} is an operator that is not read"
        more = "" if len(places) == 1 else f" (and {len(places) - 1} more like it, the last {places[-1].split(' (')[0]})"
        return text + more + (f": {HELP[kind]}" if kind in HELP else "")
