"""What a transformer in integers is made of."""

from dataclasses import dataclass, fields

import numpy as np

from ..requantize import SHIFTS

# Matrices of a block, and their shapes in dimensions (d) and the width of the feed-forward (f).
MATRICES = {"query": "dd", "key": "dd", "value": "dd", "output": "dd", "up": "df", "down": "fd"}
# Limits of a model: dimensions, heads, width, context and characters; blocks.
MAX_SIZE, MAX_BLOCKS = 1024, 64


@dataclass(frozen=True)
class Factor:
    """``multiplier * 2**(shift - 31)``, one or one for each channel, as the requantizer has it."""

    multiplier: np.ndarray
    shift: np.ndarray

    def __post_init__(self):
        low, high = SHIFTS
        if self.multiplier.shape != self.shift.shape:
            raise ValueError(f"a factor must have as many shifts as multipliers, not {self.shift.shape} and "
                             f"{self.multiplier.shape}")
        if self.multiplier.size and not (self.multiplier.min() >= 0 and self.multiplier.max() < 1 << 31 and
                                         low <= self.shift.min() and self.shift.max() <= high):
            raise ValueError(f"a factor must have multipliers from 0 to {(1 << 31) - 1} and shifts from {low} to "
                             f"{high}, and has others")


@dataclass(frozen=True, eq=False)
class Matrix:
    """A name and int8 ``weights`` (inputs, outputs); with heads (heads, inputs, outputs), one of which are tokens.

    ``tokens`` is then the axis of those.
    """

    name: str
    weights: np.ndarray
    tokens: int | None = None


@dataclass(frozen=True, eq=False)
class Linear:
    """A matrix, and the factor that brings its sums to the scale of what they become."""

    matrix: Matrix
    factor: Factor


@dataclass(frozen=True, eq=False)
class Block:
    """Attention and a feed-forward, each behind a norm and added to what comes in.

    Attributes
    ----------
    query, key, value, output, up, down : Linear
    score : Factor
        From a difference of scores to steps of the exponent, see `functions.softmax_weights`.
    context_shift : int
        What a mean of values is multiplied by, as a power of two.
    silu : int array (256,)
        Of each int8, from -128 on.
    """

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    up: Linear
    down: Linear
    score: Factor
    context_shift: int
    silu: np.ndarray


@dataclass(frozen=True, eq=False)
class Transformer:
    """Integers for characters.

    Attributes
    ----------
    alphabet : str
        Its characters are the tokens.
    heads : int
    embedding : Matrix
        A row for each character, then one for each position, (characters + context, dimensions).
    embedding_factor : Factor
        From the sum of two rows to the residual's scale.
    blocks : list of Block
    logits : Matrix
        (dimensions, characters).
    logit_scale : float
        Of a sum; for probabilities only.

    Raises
    ------
    ValueError
        Parts that do not fit.
    """

    alphabet: str
    heads: int
    embedding: Matrix
    embedding_factor: Factor
    blocks: list
    logits: Matrix
    logit_scale: float

    def __post_init__(self):
        _check(self)

    @property
    def dimensions(self):
        return self.embedding.weights.shape[1]

    @property
    def context(self):
        """The most tokens."""
        return len(self.embedding.weights) - len(self.alphabet)

    @property
    def width(self):
        """Of the feed-forward."""
        return self.blocks[0].up.matrix.weights.shape[1]

    @property
    def matrices(self):
        """All constant ones, in the order in which they are used."""
        inner = [getattr(block, name).matrix for block in self.blocks
                 for name in ("key", "value", "query", "output", "up", "down")]
        return [self.embedding, *inner, self.logits]

    def tokens(self, text):
        """The numbers of the characters of a text; ValueError if there is another, or none."""
        unknown = sorted(set(text) - set(self.alphabet))
        if unknown or not text:
            raise ValueError(f"text must have characters of {self.alphabet!r}, not "
                             f"{repr(unknown[0]) if unknown else 'none'}")
        return np.array([self.alphabet.index(character) for character in text])

    def text(self, tokens):
        """The characters of tokens."""
        return "".join(self.alphabet[token] for token in tokens)


def _check(model):
    """ValueError unless shapes and integers fit."""
    dimensions, characters = model.dimensions, len(model.alphabet)
    sizes = {"dimensions": dimensions, "heads": model.heads, "context": model.context, "characters": characters,
             "blocks": len(model.blocks)}
    for name, size in sizes.items():
        most = MAX_BLOCKS if name == "blocks" else MAX_SIZE
        if not 1 <= size <= most:
            raise ValueError(f"{name} of a transformer must be from 1 to {most}, not {size}")
    if dimensions % model.heads:
        raise ValueError(f"dimensions of a transformer must be a multiple of its {model.heads} heads, not {dimensions}")
    if len(set(model.alphabet)) != characters:
        raise ValueError("characters of a transformer must differ, and some do not")
    if not (np.isfinite(model.logit_scale) and model.logit_scale > 0):
        raise ValueError(f"logit_scale must be positive, not {model.logit_scale}")
    letters = {"d": dimensions, "f": model.width}
    wanted = {model.embedding: None, model.logits: (dimensions, characters)}
    wanted |= {getattr(block, name).matrix: tuple(letters[letter] for letter in MATRICES[name])
               for block in model.blocks for name in MATRICES}
    for matrix, shape in wanted.items():
        _check_int8(matrix.name, matrix.weights)
        if shape and matrix.weights.shape != shape:
            raise ValueError(f"{matrix.name} must be of shape {shape}, not {matrix.weights.shape}")
    _check_factors(model)
    for number, block in enumerate(model.blocks):
        _check_int8(f"SiLU of block {number}", block.silu)
        if block.silu.shape != (256,) or not 0 <= block.context_shift <= 7:
            raise ValueError(f"block {number} must have 256 values of SiLU and a context_shift from 0 to 7, not "
                             f"{block.silu.shape} and {block.context_shift}")


def _check_int8(name, values):
    if values.size == 0 or not -128 <= values.min() <= values.max() <= 127:
        raise ValueError(f"{name} must have numbers from -128 to 127, not "
                         f"{f'{values.min()} to {values.max()}' if values.size else 'none'}")


def _check_factors(model):
    factors = {"embedding": (model.embedding_factor, 1)}
    for number, block in enumerate(model.blocks):
        factors[f"score of block {number}"] = block.score, 1
        for field in fields(block):
            linear = getattr(block, field.name)
            if isinstance(linear, Linear):
                factors[linear.matrix.name] = linear.factor, linear.matrix.weights.shape[1]
    for name, (factor, count) in factors.items():
        if factor.multiplier.shape != (count,):
            raise ValueError(f"{name} must have {count} factors, not {factor.multiplier.shape}")
