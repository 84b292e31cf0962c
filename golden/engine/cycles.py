"""Cycles of the engine: its blocks around the macro, one clock cycle a step.

Constants are latencies of blocks; docs/engine.md says what each of them contains.
"""

from ..cycles import MacroCycles

# Words of 32 bits of a descriptor, of which two are fetched while others run; and cycles from an end to the next start.
FETCH_CYCLES, START_CYCLES = 24, 4
# From the read of a vector's last bytes until it is offered to the macro; vectors that are begun and not accepted.
GATHER_LATENCY, GATHER_VECTORS = 4, 8
# From a load's begin until its first row is offered.
LOAD_LATENCY = 3
# From the cycle in which lanes take results until they are in memory; and once more for a sum.
LANE_LATENCY = 16
# From a window in the depthwise unit's registers to sums at the lanes; from the last tap in memory to its register.
DEPTHWISE_LATENCY, TAP_LATENCY = 4, 2
# To the index of the greatest output, after the last bytes are read.
ARGMAX_LATENCY = 4


class Loader:
    """Writes tiles into the macro's banks, in the order of the list of loads, as far ahead as there are banks.

    Parameters
    ----------
    config : EngineConfig
    loads : list of Load

    Attributes
    ----------
    written : int
        Tiles whose rows were all accepted.
    released : int
        Tiles whose vectors were all accepted.
    """

    def __init__(self, config, loads):
        self._loads, self._banks = loads, config.macro.banks
        port = config.weight_port
        self.interval = -(-config.columns // port) if port else 1
        self.written = self.released = 0
        self._next = None
        self._row = 0

    def offer(self, cycle, is_held):
        """The (bank, row) that is offered in a cycle, or None; ``is_held``: the tile memory is read by others."""
        if self.written == len(self._loads):
            return None
        if self._next is None:
            if self.written < self.released + self._banks:
                if self._loads[self.written].keeps:
                    self.written += 1
                else:
                    self._next, self._row = cycle + LOAD_LATENCY, 0
            return None
        return (self.written % self._banks, self._row) if cycle >= self._next and not is_held else None

    def accepted(self, cycle):
        """The row that was offered is accepted."""
        self._row, self._next = self._row + 1, cycle + self.interval
        if self._row == self._loads[self.written].rows:
            self.written, self._next = self.written + 1, None


class EngineCycles:
    """The clock of a run: from the cycle after `begin` until the last descriptor's end.

    Parameters
    ----------
    config : EngineConfig
    loads : list of Load
    """

    def __init__(self, config, loads):
        self._config, self._loader = config, Loader(config, loads)
        self._macros = [MacroCycles(config.macro) for _ in range(config.arrays)]
        self.cycle = 0
        # Cycles in which descriptors were started, and in which they were fetched.
        self._starts, self._fetched = [], []

    def start(self, count=1):
        """Advance to the start of the next descriptor, or of two that run together; returns its cycle."""
        for number in range(len(self._fetched), len(self._fetched) + count):
            # There is room for two that wait.
            free = self._starts[number - 2] if 2 <= number < len(self._starts) + 2 else 0
            self._fetched.append(max(free, self._fetched[-1] if self._fetched else 0) + FETCH_CYCLES)
        self._advance(max(self.cycle, self._fetched[-1]) + START_CYCLES)
        self._starts += [self.cycle] * count
        return self.cycle

    def _advance(self, end, held=0):
        """To a cycle, with the loader alone; for the first ``held`` cycles it gets no row."""
        until, idle = self.cycle + held, [(None, True)] * len(self._macros)
        while self.cycle < end:
            self._step(idle, is_held=self.cycle < until)

    def _step(self, offers, *, is_held=False):
        """One cycle: for each macro the vector that is offered, (planes, bank) or None, and ``o_ready``.

        Returns for each whether the vector is accepted. A row goes to all macros in the same cycle.
        """
        loader, cycle = self._loader, self.cycle
        write = loader.offer(cycle, is_held)
        goes = write is not None and all(macro.accepts_write(write[0]) for macro in self._macros)
        accepted = [macro.step(vector, write or (0, 0), goes, o_ready)[0] and vector is not None
                    for macro, (vector, o_ready) in zip(self._macros, offers)]
        if goes:
            loader.accepted(cycle)
        self.cycle += 1
        return accepted

    def convolution(self, descriptor, planes, feeder=None):
        """A CONV, and with it the DEPTHWISE that feeds it, if there is one.

        Parameters
        ----------
        descriptor : Descriptor
        planes : list of list of list of int
            Of each pass and each set of windows that are used at once the planes of each of these.
        feeder : Descriptor, optional
        """
        lanes, positions = self._config.lanes, descriptor.block_height * descriptor.block_width
        last_part = descriptor.parts[-1]
        passes = []
        for ((first, end), _, part), vectors in zip(descriptor.passes, planes):
            adds = descriptor.is_residual and part == last_part
            passes.append((vectors, descriptor.chunks(*part, lanes), positions * -(-(end - first) // lanes), adds))
        source = Gather([chunks for vectors, chunks, _, _ in passes for _ in vectors])
        if feeder is not None:
            self._fill_window(feeder)
            source = Feeder(feeder, self._config, self.cycle)
        streams = _Streams(self, passes, source, descriptor.together)
        while not streams.is_done:
            streams.step()
        self._advance(self.cycle + LANE_LATENCY * (1 + descriptor.is_residual))

    def _fill_window(self, descriptor):
        """Taps, and the pixels that the first window needs."""
        taps = descriptor.tall * descriptor.wide * -(-descriptor.channels // self._config.columns)
        taps *= self._loader.interval
        words = -(-descriptor.channels // self._config.lanes)
        self._advance(self.cycle + taps + TAP_LATENCY + descriptor.wide * words, held=taps + TAP_LATENCY)

    def depthwise(self, descriptor):
        """A DEPTHWISE whose results go to memory."""
        self._fill_window(descriptor)
        down, _ = descriptor.places
        row, _ = row_cycles(descriptor, self._config)
        self._advance(self.cycle + down * row + DEPTHWISE_LATENCY + LANE_LATENCY)

    def pool(self, descriptor):
        """A POOL: a word of one pixel after the other, then the sum through the lanes; or the sums that there are."""
        words = -(-descriptor.channels // self._config.lanes)
        reads = 0 if descriptor.is_summed else descriptor.vectors * words * descriptor.tall * descriptor.wide
        self._advance(self.cycle + (reads or words) + LANE_LATENCY)

    def add(self, descriptor):
        """An ADD: a word of each tensor in turn."""
        words = -(-descriptor.channels // self._config.lanes)
        self._advance(self.cycle + 2 * descriptor.vectors * words + LANE_LATENCY)

    def end(self, descriptor):
        """An END: the greatest of the outputs."""
        words = -(-descriptor.depth // self._config.lanes)
        self._advance(self.cycle + words + ARGMAX_LATENCY)


def row_cycles(descriptor, config):
    """Cycles of a row of a DEPTHWISE, and of a position: channels in groups, unless pixels arrive more slowly."""
    words, (_, across) = -(-descriptor.channels // config.lanes), descriptor.places
    seen = min(descriptor.source_width, (across - 1) * descriptor.step_x + descriptor.wide)
    position = -(-descriptor.channels // config.depthwise)
    return max(across * position, seen * words), position


class Gather:
    """Vectors of a CONV from memory, a read a cycle.

    Parameters
    ----------
    chunks : list of int
        Reads of each vector.
    """

    def __init__(self, chunks):
        self._chunks, self._chunk = chunks, 0
        # The cycle from which each vector is offered.
        self.ready = []

    def uses_lanes(self, cycle):
        """Whether the lanes are used in a cycle."""
        return False

    def step(self, cycle, accepted, reads):
        """One cycle, of which ``accepted`` vectors were accepted before; ``reads``: the memory is read by others."""
        number = len(self.ready)
        if reads or number == len(self._chunks) or number >= accepted + GATHER_VECTORS:
            return
        self._chunk += 1
        if self._chunk == self._chunks[number]:
            self._chunk = 0
            self.ready.append(cycle + GATHER_LATENCY)


class Feeder:
    """Vectors of a CONV from the depthwise unit, a position after the other, through the lanes.

    Parameters
    ----------
    descriptor : Descriptor
    config : EngineConfig
    start : int
        The first cycle in which a window is complete.
    """

    def __init__(self, descriptor, config, start):
        self._down, self._across = descriptor.places
        self._row, self._position = row_cycles(descriptor, config)
        # Groups that go through the lanes together.
        self._together = config.lanes // config.depthwise
        self._row_start, self._column, self._group = start, 0, None
        self._lanes = set()
        self.ready = []

    def uses_lanes(self, cycle):
        """Whether the lanes are used in a cycle."""
        return cycle in self._lanes

    def step(self, cycle, accepted, reads):
        """One cycle, of which ``accepted`` vectors were accepted before."""
        number = len(self.ready)
        if number == self._down * self._across:
            return
        if self._group is None:
            if cycle < self._row_start or number >= accepted + GATHER_VECTORS:
                return
            self._group = 0
        self._group += 1
        is_last = self._group == self._position
        if is_last or self._group % self._together == 0:
            self._lanes.add(cycle + DEPTHWISE_LATENCY)
        if is_last:
            self.ready.append(cycle + DEPTHWISE_LATENCY + LANE_LATENCY)
            self._group, self._column = None, self._column + 1
            if self._column == self._across:
                self._column, self._row_start = 0, max(self._row_start + self._row, cycle + 1)


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


class _Streams:
    """A CONV: the source of its vectors, the macros, and the lanes, which serve the macros in turn."""

    def __init__(self, clock, passes, source, split):
        config = clock._config
        self._clock, self._loader, self._source = clock, clock._loader, source
        self._first, self._banks = self._loader.released, config.macro.banks
        share, width = config.arrays // split, config.macro.columns // config.lanes
        self._arrays, self._turn = [], 0
        for index, macro in enumerate(clock._macros):
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
        reads = not self._source.uses_lanes(cycle) and self._use_lanes()
        vectors = [array.offer(cycle, self._source.ready, self._first, self._banks, loader.written)
                   for array in arrays]
        # What is accepted in this cycle makes room in the next.
        self._source.step(cycle, min(array.accepted for array in arrays), reads)
        offers = [(vector, array.take()) for vector, array in zip(vectors, arrays)]
        for array, accepted in zip(arrays, self._clock._step(offers)):
            if accepted:
                array.accept()
        loader.released = self._first + min(array.passes for array in arrays)

    def _use_lanes(self):
        """A slot of a register's result goes into the lanes; whether a tensor that is added is read for it."""
        count = len(self._arrays)
        for index in (*range(self._turn, count), *range(self._turn)):
            if self._arrays[index].slots:
                reads, ends = self._arrays[index].use_lanes()
                self._turn = (index + ends) % count
                return reads
        return False
