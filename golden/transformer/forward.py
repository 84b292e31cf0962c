"""What a transformer computes, token by token or many at once; the same whatever computes the products."""

from dataclasses import dataclass, field

import numpy as np

from ..mvm import mvm
from ..requantize import multiply_by_quantized_multiplier, requantize
from .functions import INT8, divide, rms_norm, softmax_weights
from .model import Matrix

INT16 = (-32767, 32767)
# Parts of which cycles are told.
PARTS = ("embedding", "query, key, value", "scores", "context", "output", "feed-forward", "logits")


@dataclass(frozen=True, eq=False)
class Product:
    """Inputs (n, inputs) times a matrix; with heads (n, heads, inputs)."""

    x: np.ndarray
    matrix: Matrix
    bits: int = 8
    signed: bool = True


@dataclass
class Cache:
    """Keys and values of the tokens so far: for each block int64 (tokens, heads, dimensions of a head)."""

    keys: list = field(default_factory=list)
    values: list = field(default_factory=list)

    @property
    def tokens(self):
        """How many."""
        return len(self.keys[0]) if self.keys else 0


def exact(part, products, ahead=()):
    """The sums of products in numpy, int64.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    products : list of Product
    ahead : list of Matrix
        Those of the next call, as far as they are known.

    Returns
    -------
    list of int64 array (n, outputs), or (n, heads, outputs)
    """
    return [_sums(product) for product in products]


def _sums(product):
    if product.matrix.weights.ndim == 2:
        return mvm(product.matrix.weights, product.x)
    return np.stack([mvm(weights, product.x[:, head]) for head, weights in enumerate(product.matrix.weights)], axis=1)


def forward(model, tokens, cache, multiply=exact):
    """Tokens behind those of a cache, which gets their keys and values.

    Parameters
    ----------
    model : Transformer
    tokens : int array (n,)
    cache : Cache
    multiply : function
        As `exact`.

    Returns
    -------
    dict of str to int64 array
        Every tensor by name: ``logits`` (n, characters) are sums; the greatest says which character is next.

    Raises
    ------
    ValueError
        Tokens that the model has not, or more than its context.
    """
    start = cache.tokens
    _check_tokens(model, tokens, start)
    tensors = {}
    first = model.blocks[0].key.matrix
    hot = np.zeros((len(tokens), len(model.embedding.weights)), np.int64)
    for rows in (tokens, len(model.alphabet) + start + np.arange(len(tokens))):
        hot[np.arange(len(tokens)), rows] = 1
    rows, = multiply("embedding", [Product(hot, model.embedding, 1, False)], [first])
    x = tensors["embedding"] = _requantized(rows, model.embedding_factor, INT16)
    for number, block in enumerate(model.blocks):
        after = model.blocks[number + 1].key.matrix if number + 1 < len(model.blocks) else model.logits
        inner = {}
        x = _attention(model, number, start, x, cache, multiply, inner)
        x = _feed_forward(block, x, multiply, after, inner)
        tensors.update((f"block {number} {name}", values) for name, values in inner.items())
    tensors["norm"] = rms_norm(x)
    tensors["logits"], = multiply("logits", [Product(tensors["norm"], model.logits)])
    return tensors


def _check_tokens(model, tokens, start):
    if not 1 <= len(tokens) <= model.context - start:
        raise ValueError(f"there must be 1 to {model.context - start} more tokens (context {model.context}), not "
                         f"{len(tokens)}")
    if not 0 <= min(tokens) <= max(tokens) < len(model.alphabet):
        raise ValueError(f"tokens must be from 0 to {len(model.alphabet) - 1}, not {min(tokens)} to {max(tokens)}")


def _requantized(sums, factor, limits):
    low, high = limits
    return requantize(sums, 0, factor.multiplier, factor.shift, zero_point=0, low=low, high=high)


def _added(x, change):
    """The residual, which saturates."""
    return np.clip(x + change, *INT16)


def _attention(model, number, start, x, cache, multiply, tensors):
    """The residual (n, dimensions) with what tokens see of those before them and of themselves.

    Keys are made first, so that their matrix is loaded while values and queries are computed, and that of the values
    while scores are.
    """
    block = model.blocks[number]
    y = tensors["attention norm"] = rms_norm(x)

    def projected(names, ahead):
        linears = [getattr(block, name) for name in names]
        sums = multiply("query, key, value", [Product(y, linear.matrix) for linear in linears], ahead)
        for name, linear, total in zip(names, linears, sums):
            tensors[name] = _requantized(total, linear.factor, INT8).reshape(len(x), model.heads, -1)

    projected(["key"], [block.value.matrix])
    _append(cache.keys, number, tensors["key"])
    keys = Matrix(f"block {number} keys", cache.keys[number].transpose(1, 2, 0), 2)
    projected(["value", "query"], [keys])
    _append(cache.values, number, tensors["value"])
    values = Matrix(f"block {number} values", cache.values[number].transpose(1, 0, 2), 1)
    scores, = multiply("scores", [Product(tensors["query"], keys)], [values])
    weights = _weights(scores, block.score, start)
    sums, = multiply("context", [Product(weights, values, 8, False)], [block.output.matrix])
    context = divide(sums << block.context_shift, weights.sum(axis=-1, keepdims=True))
    context = np.clip(context, *INT8).reshape(len(x), -1)
    total, = multiply("output", [Product(context, block.output.matrix)], [block.up.matrix])
    tensors |= {"scores": scores, "weights": weights, "context": context}
    x = tensors["attention"] = _added(x, _requantized(total, block.output.factor, INT16))
    return x


def _append(parts, number, new):
    """Keys or values of a block behind those before."""
    if number == len(parts):
        parts.append(new)
    else:
        parts[number] = np.concatenate([parts[number], new])


def _weights(scores, factor, start):
    """Softmax weights (n, heads, tokens) of scores; none of tokens that come later than the one that looks."""
    count, _, tokens = scores.shape
    seen = np.arange(tokens) <= start + np.arange(count)[:, None, None]
    greatest = np.where(seen, scores, scores.min()).max(axis=-1, keepdims=True)
    below = np.maximum(greatest - scores, 0)
    steps = multiply_by_quantized_multiplier(below, factor.multiplier, factor.shift, "single")
    return np.where(seen, softmax_weights(steps), 0)


def _feed_forward(block, x, multiply, after, tensors):
    """The residual with what two products and SiLU between them give."""
    y = tensors["feed-forward norm"] = rms_norm(x)
    total, = multiply("feed-forward", [Product(y, block.up.matrix)], [block.down.matrix])
    hidden = tensors["hidden"] = _requantized(total, block.up.factor, INT8)
    active = tensors["active"] = block.silu[hidden + 128]
    total, = multiply("feed-forward", [Product(active, block.down.matrix)], [after])
    x = tensors["feed-forward"] = _added(x, _requantized(total, block.down.factor, INT16))
    return x


def generate(model, prompt, count, multiply=exact, progress=None):
    """Decode tokens one at a time behind a prompt, each the most likely one, of equal ones the first.

    Parameters
    ----------
    model : Transformer
    prompt : int array (n,)
    count : int
        How many tokens are decoded, with the keys and values of those before them. The prompt gives the first, and
        each the next.
    multiply : function
        As `exact`.
    progress : function, optional
        Takes how many steps are done.

    Returns
    -------
    (list of int, list of dict)
        ``count + 1`` tokens, and as many times all tensors: those of the prompt, and of each token that was decoded.
    """
    cache, made, steps, tokens = Cache(), [], [], np.asarray(prompt)
    for done in range(count + 1):
        steps.append(forward(model, tokens, cache, multiply))
        tokens = steps[-1]["logits"][-1:].argmax(axis=1)
        made += tokens.tolist()
        if progress:
            progress(done + 1)
    return made, steps
