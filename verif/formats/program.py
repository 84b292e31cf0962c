"""Programs of a block macro: what goes into its streams, and what must come out."""

import random

import numpy as np

from ...golden.formats.blocks import FORMATS, Blocks
from .beats import expected_beats, vector_beats, weight_beats


class Program:
    """Beats of each stream, and for each beat of weights or vectors how many of the other must be taken before it.

    Parameters
    ----------
    config : FormatConfig
    seed : int
        Of what is drawn.

    Attributes
    ----------
    beats : dict of str to list of dict
        Of the streams ``w``, ``i`` and ``o``; the latter are the results to come.
    needs : dict of str to list of int
        Of ``w`` and ``i``.
    """

    def __init__(self, config, seed=0):
        self.config, self.rng = config, np.random.default_rng(seed)
        self.beats = {"w": [], "i": [], "o": []}
        self.needs = {"w": [], "i": []}
        self.weights = {}

    def drawn(self, name, count, spread=8, nan_share=0.05):
        """Codes (count, size) of a format, and scales (count,) that differ by less than ``spread`` binades.

        ``nan_share`` of the scales are NaN, and as many of the blocks have an element that is, if one can be.
        """
        found = FORMATS[name]
        codes = self.rng.integers(0, 1 << found.element.bits, (count, found.size), np.uint8)
        special = found.element.special != 0
        codes[special[codes]] = 0
        if special.any():
            blocks = np.flatnonzero(self.rng.random(count) < nan_share)
            codes[blocks, self.rng.integers(0, found.size, len(blocks))] = np.flatnonzero(special)[0]
        middle, step, nan = (0x38, 8, 0x7f) if found.scale else (127, 1, 255)
        scales = self.rng.integers(max(0, middle - step * spread // 2), min(nan, middle + step * spread // 2), count)
        return codes, np.where(self.rng.random(count) < nan_share, nan, scales).astype(np.uint8)

    def load(self, bank, codes, scales):
        """Write weights (columns, size) and scales (columns,) to a bank."""
        self.weights[bank] = codes, scales
        self.add("w", weight_beats(self.config, codes, scales, bank))

    def add(self, stream, beats):
        """Beats as they are, after those of the other stream so far."""
        other = {"w": "i", "i": "w"}[stream]
        self.beats[stream] += beats
        self.needs[stream] += [len(self.beats[other])] * len(beats)

    def multiply(self, codes, scales, banks, base=None):
        """An accumulation of vectors (blocks, size) with scales (blocks,), each with one of some banks.

        Returns values and ``is_lost`` of its results, (columns,). By default as much fits as can.
        """
        config = self.config
        x = Blocks(FORMATS[config.inputs], codes, scales)
        w_codes, w_scales = (np.stack([self.weights[bank][index] for bank in banks], axis=1) for index in range(2))
        w = Blocks(FORMATS[config.weights], w_codes, w_scales)
        base = int(config.window.base_of(x, w).min()) if base is None else base
        values, is_lost = config.window.results(x, w, base, config.result)
        self.add_accumulation(codes, scales, banks, base)
        self.beats["o"] += expected_beats(config, values, is_lost)
        return values, is_lost

    def add_accumulation(self, codes, scales, banks, base):
        """Its beats alone."""
        for index, (block, scale, bank) in enumerate(zip(codes, scales, banks)):
            self.add("i", vector_beats(self.config, block, scale, base, bank, is_last=index == len(codes) - 1))

    def expect_lost(self):
        """An accumulation whose results are lost."""
        columns = self.config.columns
        self.beats["o"] += expected_beats(self.config, np.full(columns, np.nan), np.ones(columns, bool))


def drawn_program(config, accumulations, seed=0, spread=8, blocks=5):
    """Accumulations of up to so many blocks with both banks, one of which is written again now and then."""
    program = Program(config, seed)
    chosen = random.Random(seed)
    for bank in range(config.macro.banks):
        program.load(bank, *program.drawn(config.weights, config.columns, spread))
    for _ in range(accumulations):
        count = chosen.randint(1, blocks)
        program.multiply(*program.drawn(config.inputs, count, spread),
                         [chosen.randrange(config.macro.banks) for _ in range(count)])
        if chosen.random() < 0.2:
            program.load(chosen.randrange(config.macro.banks), *program.drawn(config.weights, config.columns, spread))
    return program
