"""Cycles of the engine: its blocks around the macro, one clock cycle a step.

Constants are latencies of blocks; docs/engine.md says what each of them contains.
"""

from ..cycles import MacroCycles

# Words of 32 bits of a descriptor, which are fetched while the one before runs; and cycles from its end to the start.
FETCH_CYCLES, START_CYCLES = 32, 4
# From the read of a vector's last bytes until it is offered to the macro; vectors that are gathered and not accepted.
GATHER_LATENCY, GATHER_VECTORS = 4, 4
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
        self._interval = -(-config.macro.columns // port) if port else 1
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
        self._row, self._next = self._row + 1, cycle + self._interval
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
        self._fetched = 0

    def start(self):
        """Advance to the start of the next descriptor; returns its cycle."""
        self._advance(max(self.cycle, self._fetched + FETCH_CYCLES) + START_CYCLES)
        self._fetched = self.cycle
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

    def convolution(self, descriptor, planes):
        """A CONV.

        Parameters
        ----------
        descriptor : Descriptor
        planes : list of list of int
            Of each pass its vectors' planes.
        """
        config, lanes = self._config, self._config.lanes
        positions = descriptor.block_height * descriptor.block_width
        last_part = descriptor.parts[-1]
        passes = []
        for ((first, end), _, part), vectors in zip(descriptor.passes, planes):
            adds = descriptor.is_residual and part == last_part
            passes.append((vectors, descriptor.chunks(*part, lanes), positions * -(-(end - first) // lanes), adds))
        last = _Streams(self, passes, self._loader.released, config.macro.banks).run()
        self._advance(last + LANE_LATENCY * (1 + descriptor.is_residual) + 1)

    def depthwise(self, descriptor):
        """A DEPTHWISE."""
        config, channels = self._config, descriptor.channels
        words = -(-channels // config.lanes)
        taps = descriptor.tall * descriptor.wide * -(-channels // config.macro.columns)
        down, across = descriptor.places
        seen = min(descriptor.source_width, (across - 1) * descriptor.step_x + descriptor.wide)
        row = max(across * -(-channels // config.depthwise), seen * words)
        self._advance(self.cycle + taps + TAP_LATENCY + descriptor.wide * words + down * row + DEPTHWISE_LATENCY +
                      LANE_LATENCY, held=taps)

    def pool(self, descriptor):
        """A POOL: a word of one pixel after the other, then the sum through the lanes."""
        words = -(-descriptor.channels // self._config.lanes)
        reads = descriptor.vectors * words * descriptor.tall * descriptor.wide
        self._advance(self.cycle + reads + LANE_LATENCY)

    def add(self, descriptor):
        """An ADD: a word of each tensor in turn."""
        words = -(-descriptor.channels // self._config.lanes)
        self._advance(self.cycle + 2 * descriptor.vectors * words + LANE_LATENCY)

    def end(self, descriptor):
        """An END: the greatest of the outputs."""
        words = -(-descriptor.depth // self._config.lanes)
        self._advance(self.cycle + words + ARGMAX_LATENCY)


class _Streams:
    """Vectors and results of a CONV: gather, macro and output, until its last results are taken."""

    def __init__(self, clock, passes, first_tile, banks):
        self._clock, self._macro, self._loader = clock, clock._macro, clock._loader
        self._vectors = [(count, index == len(vectors) - 1, number, chunks, slots, adds)
                         for number, (vectors, chunks, slots, adds) in enumerate(passes)
                         for index, count in enumerate(vectors)]
        self._first, self._banks = first_tile, banks
        # Vectors that are gathered, and until when; accepted; and whose results were taken.
        self._ready, self._accepted, self._taken = [], 0, 0
        self._chunk = self._slot = 0

    def run(self):
        """The cycle in which the last results are taken."""
        while self._taken < len(self._vectors):
            self._step()
        return self._clock.cycle - 1

    def _step(self):
        cycle, o_ready, reads = self._clock.cycle, *self._output()
        vector, number = self._offer(cycle)
        # What is accepted in this cycle makes room in the next.
        if not reads:
            self._gather(cycle)
        if self._clock._step(vector, o_ready):
            self._accepted += 1
            self._loader.released += self._vectors[number][1]

    def _output(self):
        """Whether the macro's result leaves it in this cycle, and whether a tensor that is added is read."""
        if not self._macro.o_valid:
            return True, False
        _, _, _, _, slots, adds = self._vectors[self._taken]
        reads = adds and self._slot % 2 == 0
        self._slot += 1
        is_last = self._slot == slots * (1 + adds)
        if is_last:
            self._slot, self._taken = 0, self._taken + 1
        return is_last, reads

    def _offer(self, cycle):
        number = self._accepted
        if number == len(self._ready) or self._ready[number] > cycle:
            return None, number
        count, _, tile, *_ = self._vectors[number]
        tile += self._first
        return ((count, tile % self._banks) if tile < self._loader.written else None), number

    def _gather(self, cycle):
        number = len(self._ready)
        if number == len(self._vectors) or number >= self._accepted + GATHER_VECTORS:
            return
        self._chunk += 1
        if self._chunk == self._vectors[number][3]:
            self._chunk = 0
            self._ready.append(cycle + GATHER_LATENCY)
