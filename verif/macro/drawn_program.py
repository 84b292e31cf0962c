"""Drawn programs, for macros that run them without a pause."""

import numpy as np

from ...golden.bits import limits
from ...golden.program import Program


def draw_program(config, rng, vectors):
    """About so many vectors, in runs of one precision, sign and bank, some accumulated, and rows written among them.

    Parameters
    ----------
    config : MacroConfig
    rng : numpy.random.Generator
    vectors : int

    Returns
    -------
    Program
    """
    program = Program()
    fuses = [fuse for fuse in (1, 2, 4) if fuse <= config.fuse]
    for bank in range(config.banks):
        _write(program, config, rng, bank, config.rows)
    # Before, a macro of tables has none.
    first = len(program.writes)
    while len(program.vectors) < vectors:
        count, bits = int(rng.integers(1, 200)), int(rng.integers(1, config.input_bits + 1))
        signed, late = bool(rng.integers(2)), int(rng.integers(0, 1 + config.rows))
        # Of few planes or of all, because planes that cannot matter are skipped.
        low, high = limits(int(rng.integers(1, bits + 1)), signed)
        accumulate = np.arange(count) % int(rng.integers(1, config.max_accumulations + 1)) > 0
        program.vectors.extend(
            count, x=rng.integers(low, high + 1, (count, config.rows)).astype(np.int32) & (1 << config.input_bits) - 1,
            bits=bits, signed=signed, bank=rng.integers(0, config.banks, count), accumulate=accumulate,
            fuse=int(rng.choice(fuses)), after=max(first, len(program.writes) - late))
        if rng.integers(2):
            _write(program, config, rng, int(rng.integers(config.banks)), int(rng.integers(1, config.rows + 1)))
    return program


def _write(program, config, rng, bank, count):
    """Some rows of a bank, once all but a few of the vectors so far are accepted."""
    low, high = limits(config.weight_bits, True)
    program.writes.extend(
        count, bank=bank, row=rng.permutation(config.rows)[:count],
        weights=rng.integers(low, high + 1, (count, config.columns)).astype(np.int16),
        after=max(0, len(program.vectors) - int(rng.integers(0, 4))))
