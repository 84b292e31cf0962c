"""A transformer as the arrays of an ``.npz`` file."""

import numpy as np

from ...golden.transformer.model import MATRICES, Block, Factor, Linear, Matrix, Transformer

# Numbers beside the matrices.
NUMBERS = ("heads", "blocks", "logit_scale")


def to_arrays(model):
    """A `Transformer` by name; what `from_arrays` reads."""
    arrays = {"alphabet": np.frombuffer(model.alphabet.encode("utf-32-le"), np.uint32), "heads": np.int64(model.heads),
              "blocks": np.int64(len(model.blocks)), "logit_scale": np.float64(model.logit_scale),
              "embedding": model.embedding.weights, "logits": model.logits.weights,
              **_factor("embedding", model.embedding_factor)}
    for number, block in enumerate(model.blocks):
        name = f"block {number} "
        for matrix in MATRICES:
            linear = getattr(block, matrix)
            arrays |= {name + matrix: linear.matrix.weights, **_factor(name + matrix, linear.factor)}
        arrays |= {**_factor(name + "score", block.score), name + "context shift": np.int64(block.context_shift),
                   name + "silu": block.silu.astype(np.int8)}
    return arrays


def _factor(name, factor):
    return {f"{name} multiplier": factor.multiplier, f"{name} shift": factor.shift}


def from_arrays(arrays):
    """The `Transformer` of arrays by name; ValueError if some are missing, too many, or do not fit."""
    reader = _Reader(arrays)
    blocks, count = [], reader.number("blocks")
    if count < 1:
        raise ValueError(f"blocks of a transformer must be from 1 on, not {count}")
    for number in range(count):
        name = f"block {number} "
        linears = {matrix: Linear(Matrix(name + matrix, reader.matrix(name + matrix)), reader.factor(name + matrix))
                   for matrix in MATRICES}
        blocks.append(Block(**linears, score=reader.factor(name + "score"), silu=reader.integers(name + "silu", 1),
                            context_shift=reader.number(name + "context shift")))
    try:
        alphabet = reader.integers("alphabet", 1).astype(np.uint32).tobytes().decode("utf-32-le")
    except UnicodeDecodeError:
        raise ValueError("alphabet must be numbers of characters, and is not") from None
    model = Transformer(alphabet, reader.number("heads"), Matrix("embedding", reader.matrix("embedding")),
                        reader.factor("embedding"), blocks, Matrix("logits", reader.matrix("logits")),
                        float(reader.array("logit_scale", 0, "iuf")))
    if reader.left:
        name = sorted(reader.left)[0]
        name = name if len(name) <= 40 else f"{name[:40]}..."
        raise ValueError(f"a transformer must have no array {name!r}, and has one")
    return model


class _Reader:
    """Arrays by name, each of a kind and a number of dimensions."""

    def __init__(self, arrays):
        self._arrays, self.left = arrays, set(arrays)

    def array(self, name, dimensions, kinds="iu"):
        if name not in self._arrays:
            raise ValueError(f"a transformer must have an array {name!r}, and has none")
        array = self._arrays[name]
        if array.ndim != dimensions or array.dtype.kind not in kinds or array.size > 1 << 24:
            raise ValueError(f"{name} must be {'numbers' if 'f' in kinds else 'integers'} of {dimensions} dimensions, "
                             f"not {array.dtype} {list(array.shape)}")
        self.left.discard(name)
        return array

    def integers(self, name, dimensions):
        return self.array(name, dimensions).astype(np.int64)

    def number(self, name):
        return int(self.array(name, 0))

    def matrix(self, name):
        return self.array(name, 2)

    def factor(self, name):
        return Factor(self.integers(f"{name} multiplier", 1), self.integers(f"{name} shift", 1))
