"""Cycles of the engine: its blocks around the macro, one clock cycle a step."""

from collections import Counter

from ..cycles import MacroCycles
from .latencies import (
    ARGMAX_LATENCY,
    DEPTHWISE_LATENCY,
    FETCH_CYCLES,
    LANE_LATENCY,
    START_CYCLES,
    SUM_LATENCY,
    WINDOW_LATENCY,
)
from .loader import Loader
from .sources import Feeder, Gather, row_cycles
from .streams import Streams

# What is counted of a run.
COUNTED = ("rows", "planes", "reads", "lanes")


class EngineCycles:
    """The clock of a run, which each descriptor advances.

    Parameters
    ----------
    config : EngineConfig
    loads : list of Load

    Attributes
    ----------
    counts : Counter
        Of the run: ``rows`` that went into the macros, ``planes``, cycles in which a macro drives a vector, added up
        over the macros, ``reads`` of the activation memory by the gather and for residuals, and ``lanes``, cycles in
        which the lanes take something.
    """

    def __init__(self, config, loads):
        self.config, self.loader = config, Loader(config, loads)
        self.macros = [MacroCycles(config.macro) for _ in range(config.arrays)]
        self.cycle, self.counts = 0, Counter()
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

    def _advance(self, end):
        """To a cycle, with the loader alone."""
        while self.cycle < end:
            self._wait()

    def _wait(self):
        """One cycle, with the loader alone."""
        self.step([(None, True)] * len(self.macros))

    def step(self, offers):
        """One cycle: for each macro the vector that is offered, (planes, bank) or None, and ``o_ready``.

        Returns for each whether the vector is accepted. A row goes to all macros in the same cycle.
        """
        loader, cycle = self.loader, self.cycle
        write = loader.offer(cycle)
        goes = write is not None and all(macro.accepts_write(write[0]) for macro in self.macros)
        self.counts["rows"] += goes
        self.counts["planes"] += sum(macro.planes_left > 0 for macro in self.macros)
        accepted = [macro.step(vector, write or (0, 0), goes, o_ready)[0] and vector is not None
                    for macro, (vector, o_ready) in zip(self.macros, offers)]
        loader.step(cycle, goes)
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
        lanes, positions = self.config.lanes, descriptor.block_height * descriptor.block_width
        last_part = descriptor.parts[-1]
        passes = []
        for ((first, end), _, part), vectors in zip(descriptor.passes, planes):
            adds = descriptor.is_residual and part == last_part
            passes.append((vectors, descriptor.chunks(*part, lanes), positions * -(-(end - first) // lanes), adds))
        source = Gather([chunks for vectors, chunks, _, _ in passes for _ in vectors])
        if feeder is not None:
            self._fill_window(feeder)
            source = Feeder(feeder, self.config, self.cycle)
        streams = Streams(self, passes, source, descriptor.together)
        while not streams.is_done:
            streams.step()
        self._advance(self.cycle + LANE_LATENCY + SUM_LATENCY * descriptor.is_residual)

    def _fill_window(self, descriptor):
        """Taps, and meanwhile the pixels that the first window needs."""
        rows, words = self.loader.rows, -(-descriptor.channels // self.config.lanes)
        rows.ask_taps(self.cycle, self.config.tap_rows * -(-descriptor.channels // self.config.depthwise))
        self._advance(self.cycle + descriptor.wide * words + WINDOW_LATENCY)
        while not rows.has_taps(self.cycle):
            self._wait()

    def depthwise(self, descriptor):
        """A DEPTHWISE whose results go to memory."""
        self._fill_window(descriptor)
        down, across = descriptor.places
        row, _ = row_cycles(descriptor, self.config)
        self.counts["lanes"] += down * across * -(-descriptor.channels // self.config.lanes)
        self._advance(self.cycle + down * row + DEPTHWISE_LATENCY + LANE_LATENCY)

    def pool(self, descriptor):
        """A POOL: a word of one pixel after the other, then the sum through the lanes; or the sums that there are."""
        words = -(-descriptor.channels // self.config.lanes)
        reads = 0 if descriptor.is_summed else descriptor.vectors * words * descriptor.tall * descriptor.wide
        self.counts.update(reads=reads, lanes=descriptor.vectors * words)
        self._advance(self.cycle + (reads or words) + LANE_LATENCY)

    def add(self, descriptor):
        """An ADD: a word of each tensor in turn."""
        words = -(-descriptor.channels // self.config.lanes)
        self.counts.update(reads=2 * descriptor.vectors * words, lanes=descriptor.vectors * words)
        self._advance(self.cycle + 2 * descriptor.vectors * words + LANE_LATENCY + SUM_LATENCY)

    def end(self, descriptor):
        """An END: the greatest of the outputs."""
        words = -(-descriptor.depth // self.config.lanes)
        self.counts["reads"] += words
        self._advance(self.cycle + words + ARGMAX_LATENCY)
