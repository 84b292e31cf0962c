"""Stimuli of a macro: rows of weights, vectors of every kind, and sequences of both."""

from ...golden.bits import limits
from ...golden.program import Vector, Write

PAUSES = (0.0, 0.1, 0.5, 0.9)


class Stimulus:
    """Draws weights and vectors for a configuration.

    Parameters
    ----------
    config : MacroConfig
    rng : random.Random
    numpy_rng : numpy.random.Generator
    """

    def __init__(self, config, rng, numpy_rng):
        self.config = config
        self.rng = rng
        self._numpy = numpy_rng

    def bank(self, bank, fill=None, after=0):
        """Writes of all rows of a bank: random, or all ``fill``, each after so many vectors."""
        config = self.config
        minimum, maximum = limits(config.weight_bits, True)
        return [Write(bank, row, self._numpy.integers(minimum, maximum + 1, config.columns) if fill is None
                      else self._numpy.integers(fill, fill + 1, config.columns), after)
                for row in range(config.rows)]

    def lanes(self, bits, signed):
        """Inputs of ``input_bits`` bits: random, small, sparse, extreme, one-hot or zero."""
        config, draw = self.config, self._numpy.integers
        everything = 1 << config.input_bits
        minimum, maximum = limits(bits, signed)
        kind = self.rng.randrange(8)
        if kind < 3:
            lanes = draw(0, everything, config.rows)
        elif kind == 3:
            # As many planes as chance will have it.
            lanes = draw(minimum, maximum + 1, config.rows) >> self.rng.randrange(bits)
        elif kind == 4:
            lanes = draw(0, everything, config.rows) * draw(0, 2, config.rows)
        elif kind == 5:
            lanes = draw(0, 2, config.rows) * (maximum - minimum) + minimum
        elif kind == 6:
            lanes = 0 * draw(0, 2, config.rows)
            lanes[self.rng.randrange(config.rows)] = self.rng.randrange(everything)
        else:
            lanes = 0 * draw(0, 2, config.rows) + self.rng.choice((0, -1, minimum, maximum))
        return lanes & everything - 1

    def dense(self):
        """Inputs without zeros, so that every row has an effect."""
        return self._numpy.integers(1, 1 << self.config.input_bits, self.config.rows)

    def vector(self, after=0, **chosen):
        """A vector; everything that is not given is random."""
        config, rng = self.config, self.rng
        fields = {"bits": rng.randint(1, config.input_bits), "signed": rng.random() < 0.5,
                  "bank": rng.randrange(config.banks), "fuse": 1 << rng.randrange(config.fuse.bit_length()), **chosen}
        fields.setdefault("accumulate", False)
        if "x" not in fields:
            fields["x"] = self.lanes(fields["bits"], fields["signed"])
        return Vector(after=after, **fields)

    def vectors(self, count, after=0, **chosen):
        """Vectors in accumulations of random lengths, none longer than the configuration allows."""
        items, left = [], 0
        for _ in range(count):
            accumulate = left > 0
            if not accumulate:
                left = self.rng.randint(1, min(self.config.max_accumulations, 8))
            left -= 1
            items.append(self.vector(after, accumulate=accumulate, **chosen))
        return items
