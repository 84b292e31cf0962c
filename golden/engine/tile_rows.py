"""Cycles of rows of weights and of taps: from the tile memory, or from a memory outside through the tile memory."""

from collections import deque

from .latencies import ANSWER_LATENCY, ROW_LATENCY, TAP_LATENCY, TILE_LATENCY


def rows_of(config, loads):
    """Rows of tiles and of taps of a run, as the configuration has them."""
    return WeightPort(config, loads) if config.weight_port else TileMemory()


class TileMemory:
    """Rows that are all there, one a cycle: taps, or a row of a tile."""

    def __init__(self):
        self._end = 0

    def ask_taps(self, cycle, count):
        """From a cycle on so many rows of taps are read."""
        self._end = cycle + count + TAP_LATENCY

    def has_taps(self, cycle):
        """All of them were there before a cycle."""
        return cycle >= self._end

    def is_there(self, cycle):
        """In a cycle a row of a tile is there; while taps are read there is none."""
        return self.has_taps(cycle)

    def step(self, cycle, taken):
        """The end of a cycle; ``taken``: in which the row was accepted."""


class WeightPort:
    """Rows that a memory outside gives: one answer after the other, of ``weight_port`` bytes a cycle.

    The memory is an ideal one: it takes each request at once, and its answer begins in the next cycle, or when the one
    before it is over. Rows of tiles are requested in the order of the loads as long as the tile memory has room for
    them; rows of taps, which it does not keep, before them.

    Parameters
    ----------
    config : EngineConfig
    loads : list of Load
    """

    def __init__(self, config, loads):
        self._interval = config.row_cycles
        self._most, self._room = config.rows_ahead, config.tile_rows
        # Rows of each load that are to be requested; of the one that is, how many are left.
        self._loads, self._left = deque(0 if load.keeps else load.rows for load in loads), 0
        # Rows of taps to request, and the cycle in which the last of them came.
        self._taps, self._last_tap = 0, -1
        # The last cycle of each answer that is not over, and of each row that waits in the tile memory.
        self._answers, self._rows = deque(), deque()
        # Rows that were requested and not accepted, and whether there is one in each stage of reading the tile memory.
        self._kept, self._stages = 0, [False] * TILE_LATENCY

    def ask_taps(self, cycle, count):
        """From a cycle on so many rows of taps are requested."""
        self._taps = count

    def has_taps(self, cycle):
        """All of them were there before a cycle."""
        return not self._taps and cycle > self._last_tap

    def is_there(self, cycle):
        """In a cycle a row of a tile is there."""
        return self._stages[-1]

    def step(self, cycle, taken):
        """The end of a cycle; ``taken``: in which the row was accepted."""
        while self._answers and self._answers[0] < cycle:
            self._answers.popleft()
        if len(self._answers) < self._most:
            self._request(cycle)
        if taken or not self._stages[-1]:
            is_next = bool(self._rows) and self._rows[0] + ROW_LATENCY < cycle
            if is_next:
                self._rows.popleft()
            self._stages = [is_next, *self._stages[:-1]]
        self._kept -= taken
        if self._loads and not self._left:
            self._left = self._loads.popleft()

    def _request(self, cycle):
        """A row of taps, or else of a tile if there is room for it."""
        first = max(cycle + ANSWER_LATENCY, self._answers[-1] + 1 if self._answers else 0)
        last = first + self._interval - 1
        if self._taps:
            self._taps, self._last_tap = self._taps - 1, last + ROW_LATENCY
        elif self._left and self._kept < self._room:
            self._left -= 1
            self._kept += 1
            self._rows.append(last)
        else:
            return
        self._answers.append(last)
