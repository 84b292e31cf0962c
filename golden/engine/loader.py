"""Cycles of the loader: tiles into the banks of the macros."""

from .latencies import LOAD_LATENCY
from .tile_rows import rows_of


class Loader:
    """Writes tiles into the macro's banks, in the order of the list of loads, as far ahead as there are banks.

    Parameters
    ----------
    config : EngineConfig
    loads : list of Load

    Attributes
    ----------
    rows : TileMemory or WeightPort
    written : int
        Tiles whose rows were all accepted.
    released : int
        Tiles whose vectors were all accepted.
    """

    def __init__(self, config, loads):
        self._loads, self._banks = loads, config.macro.banks
        self.rows = rows_of(config, loads)
        self.written = self.released = 0
        self._next = None
        self._row = 0

    def offer(self, cycle):
        """The (bank, row) that is offered in a cycle, or None."""
        if self.written == len(self._loads):
            return None
        if self._next is None:
            if self.written < self.released + self._banks:
                if self._loads[self.written].keeps:
                    self.written += 1
                else:
                    self._next, self._row = cycle + LOAD_LATENCY, 0
            return None
        return (self.written % self._banks, self._row) if cycle >= self._next and self.rows.is_there(cycle) else None

    def step(self, cycle, taken):
        """The end of a cycle; ``taken``: the row that was offered is accepted."""
        self.rows.step(cycle, taken)
        if not taken:
            return
        self._row += 1
        if self._row == self._loads[self.written].rows:
            self.written, self._next = self.written + 1, None
