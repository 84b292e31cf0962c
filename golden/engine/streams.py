"""Cycles of a CONV: vectors into the macros, results out of them through the lanes."""


class _Array:
    """A macro in a CONV: its vectors, and the register of its result before the lanes.

    Parameters
    ----------
    macro : MacroCycles
    vectors : list of (int, int, int, bool)
        Planes, number of the pass, cycles for which the result uses the lanes, and whether a tensor is added to it;
        without such cycles it is not for this macro.

    Attributes
    ----------
    accepted : int
        Vectors that were accepted, or not for it.
    slots : int
        Cycles for which the result in the register still uses the lanes.
    """

    def __init__(self, macro, vectors):
        self.macro, self._vectors = macro, vectors
        self.accepted = self._taken = self.slots = self._slot = 0
        self.adds = False
        self._skip()

    def _skip(self):
        """Over vectors that are not for it."""
        while self.accepted < len(self._vectors) and not self._vectors[self.accepted][2]:
            self.accepted += 1
        while self._taken < len(self._vectors) and not self._vectors[self._taken][2]:
            self._taken += 1

    @property
    def is_done(self):
        """All results have gone into the lanes."""
        return self._taken == len(self._vectors) and not self.slots

    @property
    def passes(self):
        """How many it is through with."""
        return self._vectors[self.accepted][1] if self.accepted < len(self._vectors) else self._vectors[-1][1] + 1

    def offer(self, cycle, ready, first, banks, written):
        """The (planes, bank) that is offered, or None."""
        if self.accepted >= len(ready) or ready[self.accepted] > cycle:
            return None
        planes, number, *_ = self._vectors[self.accepted]
        tile = first + number
        return (planes, tile % banks) if tile < written else None

    def accept(self):
        """What was offered is accepted."""
        self.accepted += 1
        self._skip()

    def take(self):
        """A result that the macro offers, if the register is empty; whether it is."""
        o_ready = not self.slots
        if o_ready and self.macro.o_valid:
            *_, self.slots, self.adds = self._vectors[self._taken]
            self._slot, self._taken = 0, self._taken + 1
            self._skip()
        return o_ready

    def use_lanes(self):
        """A cycle of the lanes: whether a tensor that is added is read, and whether a slot ends."""
        reads = self.adds and self._slot % 2 == 0
        self._slot, self.slots = self._slot + 1, self.slots - 1
        return reads, not reads


class Streams:
    """A CONV: the source of its vectors, the macros, and the lanes, which serve the macros in turn."""

    def __init__(self, clock, passes, source, split):
        config = clock.config
        self._clock, self._loader, self._source = clock, clock.loader, source
        self._first, self._banks = self._loader.released, config.macro.banks
        share, width = config.arrays // split, config.macro.columns // config.lanes
        self._arrays, self._turn = [], 0
        for index, macro in enumerate(clock.macros):
            # Which of the vectors of a set it has, and the first of its slots among the macros that have it too.
            own, start = index // share, index % share * width
            self._arrays.append(_Array(macro, [
                (planes[own], number, min(max(slots - start, 0), width) * (1 + adds), adds)
                for number, (sets, _, slots, adds) in enumerate(passes) for planes in sets]))

    @property
    def is_done(self):
        """All results have gone into the lanes."""
        return all(array.is_done for array in self._arrays)

    def step(self):
        """One cycle."""
        cycle, arrays, loader = self._clock.cycle, self._arrays, self._loader
        is_fed = self._source.uses_lanes(cycle)
        uses, reads = (True, False) if is_fed else self._use_lanes()
        vectors = [array.offer(cycle, self._source.ready, self._first, self._banks, loader.written)
                   for array in arrays]
        # What is accepted in this cycle makes room in the next.
        gathers = self._source.step(cycle, min(array.accepted for array in arrays), reads)
        self._clock.counts.update(lanes=uses, reads=reads or gathers)
        offers = [(vector, array.take()) for vector, array in zip(vectors, arrays)]
        for array, accepted in zip(arrays, self._clock.step(offers)):
            if accepted:
                array.accept()
        loader.released = self._first + min(array.passes for array in arrays)

    def _use_lanes(self):
        """A slot of a register's result goes into the lanes: whether one does, and whether a tensor is read for it."""
        count = len(self._arrays)
        for index in (*range(self._turn, count), *range(self._turn)):
            if self._arrays[index].slots:
                reads, ends = self._arrays[index].use_lanes()
                self._turn = (index + ends) % count
                return True, reads
        return False, False
