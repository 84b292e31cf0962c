"""Tables of the operators that networks may have, in Markdown, made of the code and of what was fuzzed."""

from functools import cache

from ...host.network.files.onnx_file import OPSETS, read_onnx
from ...host.network.files.tflite_file import read_tflite
from ...host.network.onnx_operators import ONNX
from ...host.network.rounding import OF_PRECISION, PRECISION, RULES, TFLITE, rounding_rule
from ..common.markdown import table
from . import onnx_operators, tflite_operators

# Of kinds, what of them is rounded in another way.
SPECIAL = {"powers": "scales of powers of two", "sums of int32": "`quantized_bias_type` int32"}


def listing(record):
    """Tables of rules and of the operators of both kinds of file.

    Parameters
    ----------
    record : dict of (str, str) to dict
        What `read_record` gives.

    Returns
    -------
    str
    """
    return "\n\n".join((
        table(("rule", "how a result becomes an integer"), [(f"`{name}`", text) for name, text in RULES.items()]),
        table(("operators in `.tflite`", "kinds of activations", "rounding", "runs on", "values compared, at least"),
               _rows(tflite_operators.OPERATORS, _of_tflite, record, "ai-edge-litert")),
        table(("operators in `.onnx`", "opsets", "runs on", "values compared, at least", "left open, at most"),
               _rows(onnx_operators.OPERATORS, _of_onnx, record, "onnxruntime", has_open=True)))) + "\n"


def _rows(operators, cells, record, package, *, has_open=False):
    """A row for operators whose cells are the same, with the fewest values that were compared of one.

    With ``has_open`` also the most that differ by what the definition leaves open, and those that have such are apart.
    """
    groups = {}
    for operator in sorted(operators):
        found = record.get((operator, package), {"values": 0, "open": 0})
        same = cells(operator)
        groups.setdefault((same, has_open and found["open"] > 0), []).append((operator, found))
    for (same, _), members in sorted(groups.items(), key=lambda group: group[1][0][0]):
        counts = [min(found["values"] for _, found in members)]
        counts += [max(found["open"] for _, found in members)] if has_open else []
        yield [", ".join(f"`{operator}`" for operator, _ in members), *same, *(f"{count:,}" for count in counts)]


def _of_tflite(operator):
    kinds = tflite_operators.OPERATORS[operator][1]
    found = {}
    for kind in (*kinds, *(kind for name, kind in TFLITE if name == operator and "," in str(kind))):
        rules = [rounding_rule(runtime, operator, kind) for runtime in ("litert-2.3", "tflm")]
        kind, _, special = kind.partition(", ")
        found.setdefault("`{}`".format("`, tflm `".join(dict.fromkeys(rules))), []).append(
            f"{kind} with {SPECIAL[special]}" if special else kind)
    rounding = next(iter(found)) if len(found) == 1 else "; ".join(
        f"{', '.join(names)}: {rules}" for rules, names in found.items())
    if operator in OF_PRECISION:
        rounding += f"; scales divided in {PRECISION['litert-2.3']}, tflm {PRECISION['tflm']}"
    return ", ".join(kinds), rounding, _runs_on(operator)


def _of_onnx(operator):
    domains = {domain: form for (domain, name), (form, _) in ONNX.items() if name == operator}
    opsets = [f"{max(OPSETS[0], min(form.versions))} to {OPSETS[1]}" if domain == "" else domain
              for domain, form in sorted(domains.items())]
    return ", ".join(opsets), _runs_on(operator)


@cache
def _runs_on(operator):
    """Where drawn networks of an operator are computed; of a macro that is their products."""
    if operator in tflite_operators.OPERATORS:
        networks = [read_tflite(tflite_operators.draw(operator, 0).data, operator)]
    else:
        networks = [read_onnx(onnx_operators.draw(operator, seed, 5).model().SerializeToString(), operator)
                    for seed in range(2)]
    return "macro" if any(network.matrix_operators for network in networks) else "host"
