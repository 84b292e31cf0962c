"""From a transformer in floating point to one in integers."""

import math

import numpy as np

from ...golden.requantize import quantize_multipliers
from ...golden.transformer.functions import NORM_BITS, OCTAVE, silu_table
from ...golden.transformer.model import MATRICES, Block, Factor, Linear, Matrix, Transformer

# The residual has as much room beyond what calibration has seen.
HEADROOM = 2.0
# A step of what a norm gives.
NORM = 2.0 ** -NORM_BITS


def quantize(model, alphabet, tokens):
    """The `Transformer` of a `FloatModel`.

    Weights have a scale for each output, activations one that calibration finds.

    Parameters
    ----------
    model : FloatModel
    alphabet : str
    tokens : int array (windows, n)
        To calibrate with.
    """
    parameters, (_, kept) = model.parameters, model.forward(tokens)
    sums = parameters["characters"][:, None] + parameters["positions"]
    residual = max([np.abs(sums).max()] + [np.abs(kept[f"{block} {name}"]).max() for block in range(model.sizes.blocks)
                                           for name in ("residual", "end")])
    residual = float(residual) * HEADROOM / 32767
    table = np.concatenate([parameters["characters"], parameters["positions"]])
    embedding, scale = _quantized(table, None)
    blocks = [_block(model, number, kept, residual) for number in range(model.sizes.blocks)]
    logits, logit_scale = _quantized(parameters["gain"][:, None] * parameters["logits"], None)
    return Transformer(alphabet, model.sizes.heads, Matrix("embedding", embedding), factor_of(scale / residual), blocks,
                       Matrix("logits", logits), float(logit_scale[0] * NORM))


def factor_of(factors):
    """The `Factor` of numbers."""
    return Factor(*quantize_multipliers(factors))


def _quantized(weights, axis):
    """int8 from -127 to 127 and the scales of columns, or one for all, float64."""
    greatest = np.maximum(np.abs(weights.astype(np.float64)).max(axis=axis, keepdims=True), 1e-12)
    return np.rint(weights / (greatest / 127)).astype(np.int8), (greatest / 127).reshape(-1)


def _scale(values):
    """Of int8 activations."""
    return max(float(np.abs(values).max()), 1e-12) / 127


def _block(model, number, kept, residual):
    p, sizes = {name: model.parameters[f"{number} {name}"] for name in MATRICES}, model.sizes
    for gain, names in (("attention gain", ("query", "key", "value")), ("feed-forward gain", ("up",))):
        p |= {name: model.parameters[f"{number} {gain}"][:, None] * p[name] for name in names}
    query, key, value, _, context = kept[f"{number} attention"]
    hidden, _, active = kept[f"{number} feed-forward"]
    scales = {"query": _scale(query), "key": _scale(key), "value": _scale(value), "up": _scale(hidden)}
    # Of means of values, which are smaller than the values.
    shift = int(np.clip(math.floor(math.log2(scales["value"] / _scale(context))), 0, 7))
    before = {"query": NORM, "key": NORM, "value": NORM, "up": NORM, "output": scales["value"] * 2.0 ** -shift,
              "down": _scale(active)}
    linears = {}
    for name, weights in p.items():
        integers, steps = _quantized(weights, 0)
        factor = factor_of(before[name] * steps / scales.get(name, residual))
        linears[name] = Linear(Matrix(f"block {number} {name}", integers), factor)
    score = scales["query"] * scales["key"] / math.sqrt(sizes.dimensions // sizes.heads) * OCTAVE / math.log(2)
    return Block(**linears, score=factor_of(score), context_shift=shift,
                 silu=silu_table(scales["up"], before["down"]))
