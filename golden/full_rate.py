"""Cycles of programs at full rate: streams that wait for nothing but each other, and results that are always accepted.

Then the handshakes of `MacroCycles` follow from one another, and cycles in which none happens need not be stepped
through. A macro that writes tables, or decides its stalls ahead (``result_interval`` 2 or 4), is stepped.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from .cycles import MacroCycles


@dataclass
class Timing:
    """Cycles in which vectors and writes were accepted, and results taken; lists of int."""

    accepted: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    written: list = field(default_factory=list)


class FullRate:
    """Cycles of programs that a macro runs one after the other.

    Parameters
    ----------
    config : MacroConfig
    pause : int
        Cycles between two programs.
    """

    def __init__(self, config, pause):
        self._is_stepped = config.table_fill_cycles > 0 or config.result_interval > 1
        self._config, self._pause = config, pause
        self._cycles = MacroCycles(config) if self._is_stepped else None

    def run(self, writes, vectors, planes):
        """The `Timing` of a program.

        Parameters
        ----------
        writes, vectors : Stream
        planes : int array (vectors,)

        Raises
        ------
        ValueError
            The program waits for itself.
        """
        return (self._step if self._is_stepped else self._follow)(
            writes, vectors.bank.tolist(), vectors.after.tolist(), planes.tolist())

    def _step(self, writes, banks, after, planes):
        """Cycle by cycle."""
        clock, timing, cycle = self._cycles, Timing(), 0
        write_banks, rows, write_after = (each.tolist() for each in (writes.bank, writes.row, writes.after))
        for _ in range(self._pause):
            clock.step(None, (0, 0), False, True)
        written, accepted, taken = timing.written, timing.accepted, timing.taken
        while len(written) < len(rows) or len(taken) < len(banks):
            offers = len(written) < len(rows) and write_after[len(written)] <= len(accepted)
            write = (write_banks[len(written)], rows[len(written)]) if offers else (0, 0)
            vector = None
            if len(accepted) < len(banks) and after[len(accepted)] <= len(written):
                vector = planes[len(accepted)], banks[len(accepted)]
            if clock.idle and not offers and vector is None:
                self._refuse(timing)
            if clock.o_valid:
                taken.append(cycle)
            i_ready, write_ready = clock.step(vector, write, offers, True)
            if offers and write_ready:
                written.append(cycle)
            if vector and i_ready:
                accepted.append(cycle)
            cycle += 1
        return timing

    def _follow(self, writes, banks, after, planes):
        """From one handshake to the next."""
        follower = _Follower(self._config, banks, after, planes)
        timing = follower.timing
        for end, bank, waits in _runs(writes):
            while len(timing.written) < end:
                if waits <= len(timing.accepted):
                    follower.write(bank, follower.after(timing.accepted, waits), end)
                elif not follower.accept(waits):
                    self._refuse(timing)
        follower.accept(len(banks))
        if len(timing.accepted) < len(banks):
            self._refuse(timing)
        return timing

    @staticmethod
    def _refuse(timing):
        raise ValueError(f"program must not wait for itself, and does at write {len(timing.written)} and vector "
                         f"{len(timing.accepted)}")


class _Follower:
    """The handshakes of a macro without table writers, each from those before it."""

    def __init__(self, config, banks, after, planes):
        self.timing, self._banks, self._after, self._planes = Timing(), banks, after, planes
        # From a vector's last plane: cycles until its bank is free, and until its result is taken.
        self._hold, self._latency = config.bank_hold_cycles + 2, config.column_latency + config.fuse_latency + 4
        self._free = [0] * (1 + max([config.banks, *banks]))
        # Of the last vector: the cycle before its first plane, in which the next one is accepted, and its last plane.
        self._dispatched = self._last_plane = 0

    @staticmethod
    def after(cycles, count):
        """The cycle from which something is offered that waits for so many handshakes."""
        return cycles[count - 1] + 1 if count > 0 else 0

    def write(self, bank, offered, end):
        """Accept rows of a bank, up to the ``end`` of their run, or vectors that come before them; at least one."""
        written = self.timing.written
        first = max(offered, written[-1] + 1 if written else 0, self._free[bank] if bank < len(self._free) else 0)
        if self.accept(len(self._banks), bank, first, first + end - len(written)):
            return
        vector = len(self.timing.accepted)
        count = end - len(written)
        if vector < len(self._banks):
            if self._after[vector] > len(written):
                count = min(count, self._after[vector] - len(written))
            elif self._banks[vector] == bank:
                # A row that comes with a vector precedes it.
                count = min(count, self._offered(vector) - first + 1)
        written.extend(range(first, first + count))

    def accept(self, end, bank=None, first=math.inf, last=math.inf):
        """Accept vectors up to number ``end`` that find their writes done.

        Those of the ``bank`` that is written come before its row in cycle ``first``, and only one of them, because that
        row then waits. All others do not touch its run, which is over in cycle ``last``. Returns whether there is any.
        """
        accepted, taken, written = self.timing.accepted, self.timing.taken, len(self.timing.written)
        begin, dispatched, last_plane = len(accepted), self._dispatched, self._last_plane
        for vector in range(begin, min(end, len(self._banks))):
            if self._after[vector] > written:
                break
            offered, is_other = self._offered(vector, dispatched), self._banks[vector] != bank
            if offered >= (last if is_other else first):
                break
            accepted.append(offered)
            dispatched = max(offered + 1, last_plane)
            last_plane = dispatched + self._planes[vector]
            self._free[self._banks[vector]] = last_plane + self._hold
            taken.append(last_plane + self._latency)
            if not is_other:
                break
        self._dispatched, self._last_plane = dispatched, last_plane
        return len(accepted) > begin

    def _offered(self, vector, dispatched=None):
        """The cycle in which a vector is accepted, if the one before it left its place in cycle ``dispatched``."""
        return max(self.after(self.timing.written, self._after[vector]),
                   self._dispatched if dispatched is None else dispatched)


def _runs(writes):
    """Runs of rows of one bank that wait for the same vectors: the end of each, its bank and ``after``."""
    edges = np.flatnonzero((np.diff(writes.bank) != 0) | (np.diff(writes.after) != 0)) + 1
    ends = [*edges.tolist(), len(writes)] if len(writes) else []
    return [(end, int(writes.bank[end - 1]), int(writes.after[end - 1])) for end in ends]
