"""Products as matrices for an array: heads side by side, as many as fit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...golden.transformer.forward import Product


@dataclass(frozen=True, eq=False)
class Layout:
    """A product as one matrix and vectors, of which some rows and cells count.

    Attributes
    ----------
    matrix : int64 array (K, N)
    vectors : int64 array (M, K)
    used : bool array (M, K)
        Rows that a vector reads; others are of other heads or tokens, and its inputs there are 0.
    spans : int64 array (sets, K, 2)
        Of each row of the matrix the columns whose products are wanted, for each set of vectors: first and end.
    places : function
        From results (M, N) to (n, outputs), or (n, heads, outputs).
    """

    matrix: np.ndarray
    vectors: np.ndarray
    used: np.ndarray
    spans: np.ndarray
    places: object

    @cached_property
    def needed(self):
        """bool (K,): rows that some vector reads."""
        return self.used.any(axis=0)

    def work(self, rows, columns):
        """Wanted products of each vector in a part of the matrix, int64 (M,)."""
        first, end = np.clip(self.spans[:, rows], columns.start, columns.stop).transpose(2, 0, 1)
        wanted = end - first
        used = self.used[:, rows].reshape(len(self.spans), -1, wanted.shape[1])
        return np.einsum("smk,sk->sm", used, wanted).reshape(-1)


def layout_of(product, rows, columns):
    """The `Layout` of a `Product` on an array of so many rows and columns."""
    if product.matrix.tokens is None:
        return _plain(product)
    are_columns = product.matrix.tokens == 2
    return _side_by_side(product, are_columns, columns if are_columns else rows)


def all_of(matrix):
    """A `Product` that reads all of a matrix, for what is loaded before there are inputs."""
    return Product(np.zeros((1, *matrix.weights.shape[:-1]), np.int64), matrix)


def _plain(product):
    weights = np.asarray(product.matrix.weights, np.int64)
    # Inputs of one bit read rows: what they do not read, need not be there.
    used = product.x != 0 if product.bits == 1 else np.ones(product.x.shape, bool)
    spans = np.broadcast_to([0, weights.shape[1]], (1, len(weights), 2))
    return Layout(weights, product.x, used, spans, lambda y: y)


def slots_of(heads, tokens, size):
    """How many heads have their tokens side by side in so many rows or columns, and how far apart they begin."""
    side = max(count for count in range(1, heads + 1) if heads % count == 0 and (count == 1 or count * tokens <= size))
    return side, tokens if side == 1 else size // side


def _side_by_side(product, are_columns, size):
    """Heads in slots; those of one set are computed together, and the sets share all cells but those of one another.

    Scores: rows are the dimensions of all heads, columns the tokens in the slot of a head. Contexts: rows are the
    tokens in the slot of a head, columns the dimensions of all heads.
    """
    weights = np.asarray(product.matrix.weights, np.int64)
    heads, count = len(weights), len(product.x)
    tokens, depth = (weights.shape[2], weights.shape[1]) if are_columns else weights.shape[1:]
    side, stride = slots_of(heads, tokens, size)
    sets, long = heads // side, heads * depth
    wide = side * stride
    matrix = np.zeros((long, wide) if are_columns else (wide, long), np.int64)
    vectors = np.zeros((sets, count, matrix.shape[0]), np.int64)
    used, spans = np.zeros(vectors.shape, bool), np.zeros((sets, matrix.shape[0], 2), np.int64)
    for head in range(heads):
        dimensions = slice(head * depth, (head + 1) * depth)
        slot = slice(head % side * stride, head % side * stride + tokens)
        place = (dimensions, slot) if are_columns else (slot, dimensions)
        matrix[place], spans[head // side, place[0]] = weights[head], (place[1].start, place[1].stop)
        vectors[head // side, :, place[0]] = product.x[:, head]
        used[head // side, :, place[0]] = True

    def places(y):
        y = y.reshape(sets, count, -1)
        parts = [y[head // side][:, head % side * stride:head % side * stride + tokens] if are_columns else
                 y[head // side][:, head * depth:(head + 1) * depth] for head in range(heads)]
        return np.stack(parts, axis=1)

    return Layout(matrix, vectors.reshape(sets * count, -1), used.reshape(sets * count, -1), spans, places)
