"""Drawn tensors: lengths, windows, layouts and places in the memory of an engine, as no compiler makes them."""

from collections import namedtuple

from ...golden.engine.checks import MOST_ROW_BYTES
from ...golden.engine.descriptor import RANGES

# What fields say of a tensor, and the bytes from its first to behind its last.
Tensor = namedtuple("Tensor", "height width depth pitch pixel size")
MOST_DISTANCE = RANGES["source_pitch"][1]


class DrawnTensors:
    """Draws numbers of which the ends, and those where something begins to differ, come often.

    Parameters
    ----------
    rng : numpy.random.Generator
    config : EngineConfig
    """

    def __init__(self, rng, config):
        self._rng, self._config = rng, config

    def any_of(self, name):
        """Any value of a field."""
        return self.between(*RANGES[name])

    def between(self, low, high):
        """One of a range, both ends included; if it is empty the lower end."""
        return int(self._rng.integers(low, max(low, high) + 1))

    def is_one_of(self, count):
        """Whether something happens that happens once in so many times."""
        return not self._rng.integers(count)

    def one_of(self, *values):
        """One of some integers."""
        return int(values[self._rng.integers(len(values))])

    def small(self, most):
        """A length, mostly a short one, of at most so many."""
        return min(self.between(1, self.one_of(3, 12)), most)

    def deep(self):
        """Bytes of a pixel: few, words, powers of two, or up to 256."""
        few = self.between(1, 9)
        return self.one_of(few, few, self._config.lanes * self.between(1, 4), 1 << self.between(4, 8),
                           self.between(1, 256))

    def start(self, name, length, reach, depth):
        """First row or pixel of a window: beside or within a source, or far away, also by as many bytes as count."""
        if not self.is_one_of(3):
            return self.between(1 - reach, length)
        low, high = RANGES[name]
        most = self.one_of(MOST_ROW_BYTES, self._config.activation_bytes) // depth
        found = self.one_of(self.any_of(name), low, high, self.one_of(-1, 1) * most + self.between(-1, 1))
        return min(max(found, low), high)

    def step(self):
        """From a window to the next."""
        return self.between(1, 255) if self.is_one_of(10) else 255 if self.is_one_of(10) else self.between(1, 3)

    def windows(self, source, tall, wide):
        """Fields of windows of so many rows and pixels."""
        return {"source_height": source.height, "source_width": source.width, "depth": source.depth, "tall": tall,
                "wide": wide, "step_y": self.step(), "step_x": self.step(),
                "top": self.start("top", source.height, tall, 1),
                "left": self.start("left", source.width, wide, source.depth), "fill": self.any_of("fill")}

    def tensor(self, height, width, depth, word=1):
        """A `Tensor` of up to a third of the memory, if that suffices for its bytes.

        Pixels follow one another along rows or along columns, without gaps or with some, also as large as there is
        room; both distances are multiples of ``word``. A distance that is not used is any.
        """
        sides = [("pixel", width), ("pitch", height)]
        if self.is_one_of(4):
            sides.reverse()
        found, size, room = {}, depth, self._config.activation_bytes // 3
        for (name, count), others in zip(sides, (sides[1][1], 1)):
            most = max(room // others - size, 0) // (count - 1) if count > 1 else MOST_DISTANCE
            gap = self.one_of(0, 0, 0, self.between(0, min(most - size, 8)), self.between(0, most - size))
            found[name] = min(-(-(size + gap) // word) * word, MOST_DISTANCE)
            size += (count - 1) * found[name]
        return Tensor(height, width, depth, found["pitch"], found["pixel"], size)

    def places(self, word=1, **tensors):
        """Fields of tensors that are apart from one another, by their names; the first is at a multiple of ``word``.

        Limits are at their ends, or beyond. Where there is no room they meet.
        """
        names = list(tensors)
        sizes = {name: tensors[name].size + (word - 1) * (name == names[0]) for name in names}
        free = max(self._config.activation_bytes - sum(sizes.values()), 0)
        # What is free before each, and before them all.
        ends = sorted(self.one_of(0, free, self.between(0, free), self.between(0, free)) for _ in names)
        fields, end, used = {}, 0, 0
        for number, name in enumerate(self._rng.permutation(names).tolist()):
            tensor, first = tensors[name], end + ends[number] - used
            end, used = first + sizes[name], ends[number]
            first += -first % word * (name == names[0])
            more = self.between(0, [*ends, free][number + 1] - used) if self.is_one_of(4) else 0
            fields |= {name: first, f"{name}_limit": first + tensor.size + more, f"{name}_pitch": tensor.pitch,
                       f"{name}_pixel": tensor.pixel}
        return fields
