"""A drawn transformer in integers, and all that it computes by its definitions, in Python's own integers."""

import math

import numpy as np
from bitline.golden.requantize import quantize_multipliers
from bitline.golden.transformer.functions import silu_table
from bitline.golden.transformer.model import MATRICES, Block, Factor, Linear, Matrix, Transformer


def drawn_transformer(*, dimensions=8, heads=2, width=12, context=10, blocks=2, characters=6, seed=0, greatest=False):
    """Weights of all int8; with ``greatest`` all of the greatest magnitude, and factors that saturate."""
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return (rng.choice([-128, 127], shape) if greatest else rng.integers(-128, 128, shape)).astype(np.int8)

    def linear(name, number, size):
        rows, columns = (width if letter == "f" else dimensions for letter in MATRICES[name])
        spread = 74 * 32 * math.sqrt(rows)
        factors = (100 if greatest else 1) * size / spread * rng.uniform(0.5, 1.5, columns)
        return Linear(Matrix(f"block {number} {name}", weights(rows, columns)), factor(factors))

    def factor(values):
        return Factor(*quantize_multipliers(np.atleast_1d(values)))

    made = [Block(**{name: linear(name, number, 3000 if name in ("output", "down") else 40) for name in MATRICES},
                  score=factor(rng.uniform(0.05, 0.4)), context_shift=int(rng.integers(0, 3)),
                  silu=silu_table(rng.uniform(0.01, 0.1), rng.uniform(0.01, 0.1))) for number in range(blocks)]
    return Transformer("abcdefghij"[:characters], heads, Matrix("embedding", weights(characters + context, dimensions)),
                       factor(30.0), made, Matrix("logits", weights(dimensions, characters)), 0.01)


def reference(model, tokens):
    """Every tensor of a text at once, without a cache, element by element: dict of str to int64 array.

    It shares nothing with the model but its numbers.
    """
    tensors, characters = {}, len(model.alphabet)
    table, n = model.embedding.weights.astype(int), len(tokens)
    x = [[scaled(int(table[token, d]) + int(table[characters + place, d]), model.embedding_factor, 0, 32767)
          for d in range(table.shape[1])] for place, token in enumerate(tokens)]
    tensors["embedding"] = x
    for number, block in enumerate(model.blocks):
        inner, width = {}, table.shape[1] // model.heads
        y = inner["attention norm"] = [norm(row) for row in x]
        split = {}
        for name in ("query", "key", "value"):
            made = through(getattr(block, name), y, 127)
            split[name] = [[row[head * width:(head + 1) * width] for head in range(model.heads)] for row in made]
        inner |= split
        inner["scores"] = [[[dot(split["query"][i][h], split["key"][j][h]) for j in range(n)]
                            for h in range(model.heads)] for i in range(n)]
        inner["weights"] = [[weights_of(inner["scores"][i][h][:i + 1], block.score) + [0] * (n - i - 1)
                             for h in range(model.heads)] for i in range(n)]
        context = inner["context"] = [[
            clipped(rounded(2 ** block.context_shift * sum(
                inner["weights"][i][h][j] * split["value"][j][h][d] for j in range(n)),
                sum(inner["weights"][i][h])), 127)
            for h in range(model.heads) for d in range(width)] for i in range(n)]
        x = inner["attention"] = added(x, through(block.output, context, 32767))
        y = inner["feed-forward norm"] = [norm(row) for row in x]
        hidden = inner["hidden"] = through(block.up, y, 127)
        active = inner["active"] = [[int(block.silu[value + 128]) for value in row] for row in hidden]
        x = inner["feed-forward"] = added(x, through(block.down, active, 32767))
        tensors |= {f"block {number} {name}": values for name, values in inner.items()}
    tensors["norm"] = [norm(row) for row in x]
    matrix = model.logits.weights.astype(int).tolist()
    tensors["logits"] = [[dot(row, [line[c] for line in matrix]) for c in range(characters)] for row in tensors["norm"]]
    return {name: np.array(values, np.int64) for name, values in tensors.items()}


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def clipped(value, limit):
    return max(-limit, min(limit, value))


def rounded(numerator, denominator):
    """Nearest, halves up."""
    return math.floor((2 * numerator + denominator) // (2 * denominator))


def scaled(value, factor, channel, limit):
    multiplier, shift = int(factor.multiplier[channel]), int(factor.shift[channel])
    return clipped(rounded(value * multiplier, 2 ** (31 - shift)), limit)


def through(linear, rows, limit):
    matrix = linear.matrix.weights.astype(int).tolist()
    columns = list(zip(*matrix))
    return [[scaled(dot(row, column), linear.factor, c, limit) for c, column in enumerate(columns)] for row in rows]


def added(rows, changes):
    return [[clipped(a + b, 32767) for a, b in zip(row, change)] for row, change in zip(rows, changes)]


def norm(row):
    root = max(1, math.isqrt(65536 * sum(value * value for value in row) // len(row)))
    return [clipped(rounded(8192 * value, root), 127) for value in row]


def weights_of(scores, factor):
    """Softmax weights of the scores that are seen."""
    made = []
    for score in scores:
        steps = rounded((max(scores) - score) * int(factor.multiplier[0]), 2 ** (31 - int(factor.shift[0])))
        octave, rest = divmod(steps, 256)
        entry = round(255 * 128 * 2.0 ** (-rest / 256))
        made.append(0 if octave >= 9 else rounded(entry, 128 * 2 ** octave))
    return made
