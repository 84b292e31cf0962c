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
        self.interval = -(-config.macro.columns // port) if port else 1
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
        self._config, self._macro, self._loader = config, MacroCycles(config.macro), Loader(config, loads)
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
        until = self.cycle + held
        while self.cycle < end:
            self._step(None, True, is_held=self.cycle < until)

    def _step(self, vector, o_ready, *, is_held=False):
        """One cycle: whether the vector, (planes, bank) or None, is accepted."""
        loader, cycle = self._loader, self.cycle
        write = loader.offer(cycle, is_held)
        i_ready, write_ready = self._macro.step(vector, write or (0, 0), write is not None, o_ready)
        if write is not None and write_ready:
            loader.accepted(cycle)
        self.cycle += 1
        return vector is not None and i_ready

    def convolution(self, descriptor, planes, feeder=None):
        """A CONV, and with it the DEPTHWISE that feeds it, if there is one.

        Parameters
        ----------
        descriptor : Descriptor
        planes : list of list of int
            Of each pass its vectors' planes.
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
        streams = _Streams(self, passes, source)
        while not streams.is_done:
            streams.step()
        self._advance(self.cycle + LANE_LATENCY * (1 + descriptor.is_residual))

    def _fill_window(self, descriptor):
        """Taps, and the pixels that the first window needs."""
        taps = descriptor.tall * descriptor.wide * -(-descriptor.channels // self._config.macro.columns)
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


class _Streams:
    """Vectors and results of a CONV: their source, the macro, and the register of results before the lanes."""

    def __init__(self, clock, passes, source):
        self._clock, self._macro, self._loader, self._source = clock, clock._macro, clock._loader, source
        self._vectors = [(count, index == len(vectors) - 1, number, slots * (1 + adds), adds)
                         for number, (vectors, _, slots, adds) in enumerate(passes)
                         for index, count in enumerate(vectors)]
        self._first, self._banks = self._loader.released, clock._config.macro.banks
        # Vectors that were accepted, and whose results were taken; slots of the result in the register.
        self._accepted, self._taken, self._slot, self._slots, self._adds = 0, 0, 0, 0, False

    @property
    def is_done(self):
        """All results have gone into the lanes."""
        return self._taken == len(self._vectors) and not self._slots

    def step(self):
        """One cycle."""
        cycle = self._clock.cycle
        reads = self._use_lanes(cycle)
        o_ready = not self._slots
        vector, number = self._offer(cycle)
        # What is accepted in this cycle makes room in the next.
        self._source.step(cycle, self._accepted, reads)
        if o_ready and self._macro.o_valid:
            *_, self._slots, self._adds = self._vectors[self._taken]
            self._slot, self._taken = 0, self._taken + 1
        if self._clock._step(vector, o_ready):
            self._accepted += 1
            self._loader.released += self._vectors[number][1]

    def _use_lanes(self, cycle):
        """A slot of the register's result goes into the lanes; whether a tensor that is added is read for it."""
        if not self._slots or self._source.uses_lanes(cycle):
            return False
        reads = self._adds and self._slot % 2 == 0
        self._slot += 1
        if self._slot == self._slots:
            self._slots = 0
        return reads

    def _offer(self, cycle):
        """The (planes, bank) that is offered to the macro, or None; the vector's number."""
        number = self._accepted
        if number == len(self._source.ready) or self._source.ready[number] > cycle:
            return None, number
        count, _, tile, *_ = self._vectors[number]
        tile += self._first
        return ((count, tile % self._banks) if tile < self._loader.written else None), number
