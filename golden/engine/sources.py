"""Cycles of what vectors of a CONV come from: the gather, or the depthwise unit."""

from .latencies import DEPTHWISE_LATENCY, GATHER_LATENCY, GATHER_VECTORS, LANE_LATENCY


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
        """One cycle, of which ``accepted`` vectors were accepted before; ``reads``: the memory is read by others.

        Returns whether it reads the memory.
        """
        number = len(self.ready)
        if reads or number == len(self._chunks) or number >= accepted + GATHER_VECTORS:
            return False
        self._chunk += 1
        if self._chunk == self._chunks[number]:
            self._chunk = 0
            self.ready.append(cycle + GATHER_LATENCY)
        return True


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
        """One cycle, of which ``accepted`` vectors were accepted before; what is read is not counted."""
        number = len(self.ready)
        if number == self._down * self._across:
            return False
        if self._group is None:
            if cycle < self._row_start or number >= accepted + GATHER_VECTORS:
                return False
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
        return False
