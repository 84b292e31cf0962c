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

    def load(self, bank, codes, scales, name=None):
        """Write weights (columns, size) and scales (columns,) to a bank, by default of the first format of weights."""
        name = name or self.config.w.names[0]
        # A block for each column, with which vectors of one block are multiplied.
        self.weights[bank] = Blocks(FORMATS[name], codes[:, None], scales[:, None])
        self.add_weights(codes, scales, bank, name)

    def add_weights(self, codes, scales, bank, name):
        """Their beats alone."""
        self.add("w", weight_beats(self.config, codes, scales, bank, name))

    def add(self, stream, beats):
        """Beats as they are, after those of the other stream so far."""
        other = {"w": "i", "i": "w"}[stream]
        self.beats[stream] += beats
        self.needs[stream] += [len(self.beats[other])] * len(beats)

    def multiply(self, codes, scales, banks, base=None, names=None):
        """An accumulation of vectors (blocks, size) with scales (blocks,), each with one of some banks.

        Returns values and ``is_lost`` of its results, (columns,). By default as much fits as can, and all vectors are
        of the first format of vectors.
        """
        window, names = self.config.window, names or [self.config.x.names[0]] * len(codes)
        pairs = [(Blocks(FORMATS[name], block[None], np.array([scale])), self.weights[bank])
                 for block, scale, bank, name in zip(codes, scales, banks, names, strict=True)]
        base = int(window.base_of(pairs).min()) if base is None else base
        values, is_lost = window.results(pairs, base, self.config.result)
        self.add_accumulation(codes, scales, banks, base, names)
        self.expect(values, is_lost)
        return values, is_lost

    def add_accumulation(self, codes, scales, banks, base, names=None):
        """Its beats alone."""
        names = names or [None] * len(codes)
        for index, (block, scale, bank, name) in enumerate(zip(codes, scales, banks, names, strict=True)):
            self.add("i", vector_beats(self.config, block, scale, base, bank, is_last=index == len(codes) - 1,
                                       name=name))

    def expect(self, values, is_lost):
        """The results of an accumulation, (columns,)."""
        self.beats["o"] += expected_beats(self.config, values, is_lost)

    def expect_lost(self):
        """An accumulation whose results are lost."""
        columns = self.config.columns
        self.expect(np.full(columns, np.nan), np.ones(columns, bool))


def drawn_program(config, accumulations, seed=0, spread=8, blocks=5, kind=Program):
    """Accumulations of up to so many blocks with all banks, one of which is written again now and then.

    ``kind`` is the class of the program. Each vector, and each bank, has a format that is drawn.
    """
    program = kind(config, seed)
    chosen = random.Random(seed)

    def load(bank):
        name = chosen.choice(config.w.names)
        program.load(bank, *program.drawn(name, config.columns, spread), name)

    for bank in range(config.macro.banks):
        load(bank)
    for _ in range(accumulations):
        names = chosen.choices(config.x.names, k=chosen.randint(1, blocks))
        codes, scales = map(np.concatenate, zip(*(program.drawn(name, 1, spread) for name in names)))
        program.multiply(codes, scales, [chosen.randrange(config.macro.banks) for _ in names], names=names)
        if chosen.random() < 0.2:
            load(chosen.randrange(config.macro.banks))
    return program


def full_rate_program(config, names, vectors, blocks, kind=Program):
    """So many vectors of formats in turn, all of whose planes count, with banks in turn that are written before.

    ``blocks`` vectors are an accumulation. Banks are of the first of the formats.
    """
    program, banks = kind(config, 1), config.macro.banks
    for bank in range(banks):
        program.load(bank, *program.drawn(names[0], config.columns, nan_share=0), names[0])
    used = [names[index % len(names)] for index in range(blocks)]
    for _ in range(vectors // blocks):
        codes, scales = map(np.concatenate, zip(*(program.drawn(name, 1, nan_share=0) for name in used)))
        for vector, name in zip(codes, used):
            integers = FORMATS[name].element.integers
            # The least one needs all planes, and minus one has all bits of a lower part.
            vector[:2] = integers.argmin(), np.flatnonzero(integers == -1)[0]
        program.multiply(codes, scales, [index % banks for index in range(blocks)], names=used)
    program.needs["i"] = [len(program.beats["w"])] * len(program.beats["i"])
    return program
