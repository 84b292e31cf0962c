"""A model of what a macro costs, fitted to measured points: a sum of what its blocks have, each with a factor."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...hdl.config import MacroConfig
from ...hdl.config.widths import ceil_log2

# Measured macros, and the command that measured them.
POINTS = Path(__file__).parent / "points.json"
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


@dataclass(frozen=True)
class Fit:
    """Factors of `parts` for each kind of column."""

    factors: dict

    def predict(self, config):
        """The cost of a macro."""
        return float(parts(config) @ self.factors[config.column])


def fit(points, metric):
    """The `Fit` with the least relative errors, squared, on measured points; no factor is negative."""
    from scipy.optimize import nnls

    factors = {}
    for kind in sorted({each["configuration"]["column"] for each in points}):
        chosen = [each for each in points if each["configuration"]["column"] == kind]
        rows = np.array([parts(MacroConfig.from_dict(each["configuration"])) for each in chosen])
        costs = np.array([each[metric] for each in chosen], float)
        factors[kind], _ = nnls(rows / costs[:, None], np.ones(len(costs)))
    return Fit(factors)


def errors(points, metric):
    """The relative error of each point, predicted by a `Fit` to the points of the other `FOLDS`."""
    found = np.zeros(len(points))
    for fold in range(FOLDS):
        model = fit([each for index, each in enumerate(points) if index % FOLDS != fold], metric)
        for index in range(fold, len(points), FOLDS):
            each = points[index]
            found[index] = model.predict(MacroConfig.from_dict(each["configuration"])) / each[metric] - 1
    return found


def read_points(path=POINTS):
    """The measured points of a file."""
    return json.loads(path.read_text(encoding="utf-8"))["points"]
