"""A model of what a macro costs, fitted to measured points: a sum of what its blocks have, each with a factor."""

import json
import math
from dataclasses import dataclass

import numpy as np

from ...hdl.config import MacroConfig
from ...hdl.config.widths import ceil_log2

# Parts into which points are divided to see the error on those that a fit has not seen.
FOLDS = 5


def tree_bits(inputs, width):
    """Bits of all adders of a binary tree over so many inputs."""
    bits = 0
    while inputs > 1:
        width += 1
        bits += inputs // 2 * width
        inputs = -(-inputs // 2)
    return bits


def parts(config):
    """How much of each part a macro has, float64: the factors of a `Fit` are LUT sites of one of each."""
    (shape,) = config.shapes
    rows, columns, bits = config.rows, config.columns, config.input_bits
    inputs, width = (shape.groups, shape.sum_width) if shape.writers else (rows, config.weight_bits)
    stored = shape.groups * shape.entry_bits if shape.writers else rows * config.weight_bits
    deep, late = config.result_interval == 4, config.result_interval == 2
    return np.array([
        1, late, deep,
        # Drivers, and the registers of planes in each block of columns.
        rows * bits, rows * bits * deep, rows * bits * late, rows * ceil_log2(rows),
        shape.plane_bits * len(config.blocks), len(config.blocks),
        # Columns: what they store, their trees, and what folds the planes.
        columns * stored, columns * stored * (config.banks > 1), columns * stored * (config.banks > 2),
        columns * rows * config.weight_bits,
        columns * tree_bits(inputs, width), columns * inputs, columns,
        columns * config.accumulator_width, columns * config.total_width * deep, columns * late,
        columns * config.output_width(config.fuse) * (config.fuse > 1),
        # Writers of tables.
        shape.writers, shape.writers * columns, shape.writers * columns * config.weight_bits,
        shape.writers * shape.table_fill_cycles,
    ], float)


def cell_parts(config):
    """The same of a macro of bitcells in standard cells: factors are um2, or pJ per cycle, of one of each."""
    rows, columns, bits, banks = config.rows, config.columns, config.weight_bits, config.banks
    stored, deep, late = rows * columns * bits, config.result_interval == 4, config.result_interval == 2
    compressed = config.tree == "compressor"
    return np.array([
        1, late, deep,
        # Drivers, and the registers of planes in each block of columns.
        rows * config.input_bits, rows * config.input_bits * deep, rows * config.input_bits * late, rows * banks,
        rows * len(config.blocks), len(config.blocks),
        # Columns: bitcells and what chooses their bank, trees, and what folds the planes.
        stored * banks, stored * (banks > 1), stored * (banks > 2), stored, stored * compressed, columns * rows,
        columns * config.accumulator_width, columns * config.accumulator_width * compressed,
        columns * config.total_width * deep, columns * late, columns,
    ], float)


def adder_levels(bits):
    """Levels of full adders, each of which makes two bits of three, that leave two of so many."""
    return 0 if bits <= 2 else 1 + adder_levels(bits // 3 * 2 + bits % 3)


def path_parts(config):
    """The same of the longest path of such a macro, which is that of a tree: factors are ns of one of each."""
    levels, (_, columns) = adder_levels(config.rows), config.blocks[0]
    return np.array([
        # Registers, and the buffers of the wordlines to the columns of a block.
        1, math.log2(columns),
        # What chooses a bank; the tree, whose last chain of carries is the longer the deeper it is, if it has one.
        config.banks > 1, config.banks > 2, levels, levels * (config.tree != "compressor"),
    ], float)


@dataclass(frozen=True)
class Fit:
    """Factors of parts for each kind of column; ``parts`` gives how much of each a macro has."""

    factors: dict
    parts: object

    def predict(self, config):
        """The cost of a macro."""
        return float(self.parts(config) @ self.factors[config.column])


def fit(points, metric, parts=parts):
    """The `Fit` with the least relative errors, squared, on measured points; no factor is negative."""
    from scipy.optimize import nnls

    factors = {}
    for kind in sorted({each["configuration"]["column"] for each in points}):
        chosen = [each for each in points if each["configuration"]["column"] == kind]
        rows = np.array([parts(MacroConfig.from_dict(each["configuration"])) for each in chosen])
        costs = np.array([each[metric] for each in chosen], float)
        factors[kind], _ = nnls(rows / costs[:, None], np.ones(len(costs)))
    return Fit(factors, parts)


def errors(points, metric, parts=parts):
    """The relative error of each point, predicted by a `Fit` to the points of the other `FOLDS`."""
    found = np.zeros(len(points))
    for fold in range(FOLDS):
        model = fit([each for index, each in enumerate(points) if index % FOLDS != fold], metric,
                    parts)
        for index in range(fold, len(points), FOLDS):
            each = points[index]
            found[index] = model.predict(MacroConfig.from_dict(each["configuration"])) / each[metric] - 1
    return found


def products_by_kind(points):
    """The least and the most products, rows times columns, of the points of each kind of column."""
    found = {}
    for point in points:
        each = point["configuration"]
        found.setdefault(each["column"], []).append(each["rows"] * each["columns"])
    return {kind: (min(counts), max(counts)) for kind, counts in sorted(found.items())}


def is_within(config, ranges):
    """Whether a macro is within the `products_by_kind` of points."""
    least, most = ranges[config.column]
    return least <= config.rows * config.columns <= most


def read_points(path):
    """The measured points of a file."""
    return json.loads(path.read_text(encoding="utf-8"))["points"]
