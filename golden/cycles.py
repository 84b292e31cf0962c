"""Exact cycles: the macro's handshakes, one clock cycle a step."""


class WriterCycles:
    """When a table writer accepts rows, and which banks' tables are incomplete.

    A row takes two cycles to arrive, and may then wait. Rows of one group of one bank gather; a fill rewrites the
    tables of a group when its last row has arrived, or when a row of another group or a vector waits for it.

    Parameters
    ----------
    config : MacroConfig
    shape : TableShape
    index : int
        Which of the shape's writers it is; it accepts all rows, and fills in its own groups.
    """

    def __init__(self, config, shape, index=0):
        self._banks, self._rows = config.banks, shape.rows
        self._fill_cycles = shape.table_fill_cycles
        groups = {group: shape.rows_of_groups[group] for group in shape.groups_of(index)}
        self._group = {row: group for group, rows in groups.items() for row in rows if row is not None}
        self._last = {group: rows[-1] for group, rows in groups.items()}
        self._waiting_rows = shape.waiting_rows
        self._clear()

    def _clear(self):
        self._pending = set()
        self._fresh = None
        self._arrived = []
        self._gathered = None
        self._is_wanted = False
        self._complete = False
        self._filling = None
        self._left = 0

    def reset(self):
        """One clock cycle of reset. Returns a (bank, row) of each group whose tables it leaves incomplete."""
        targets = self._targets()
        if self._fresh and self._fresh[1] in self._group:
            targets.add(self._target(*self._fresh))
        self._clear()
        return {(bank, self._last[group]) for group, bank in targets}

    def busy(self, bank):
        """Whether the tables of a bank are incomplete."""
        return bank in self._pending or (self._fresh is not None and self._fresh[0] == bank)

    @property
    def ready(self):
        """Whether a row may be accepted."""
        return len(self._arrived) + (self._fresh is not None) < self._waiting_rows

    def _target(self, bank, row):
        """Group and bank of a row of its own."""
        return self._group[row], bank

    def _targets(self):
        """Group and bank of rows that have arrived, and whose tables are not yet complete."""
        arrived = [self._target(*write) for write in self._arrived]
        return {target for target in (*arrived, self._gathered, self._filling) if target}

    def _starts(self):
        """Whether a fill starts in this cycle."""
        if self._gathered is None or self._filling is not None:
            return False
        if self._complete:
            return True
        if self._arrived:
            return self._target(*self._arrived[0]) != self._gathered
        return self._is_wanted

    def step(self, write, wanted):
        """One clock cycle: the (bank, row) that is accepted, and the bank a vector waits for; either may be None."""
        starts = self._starts()
        # In the next cycle: a vector waits, and no row of its bank is on its way.
        self._is_wanted = self._gathered is not None and self._gathered[1] == wanted and (
            self._fresh is None or self._fresh[0] != wanted)
        joins = bool(self._arrived) and (
            self._filling is None or self._gathered in (None, self._target(*self._arrived[0])))
        self._pending &= {bank for _, bank in self._targets()}
        self._pending |= {self._fresh[0]} if self._fresh else set()
        if self._filling is not None:
            self._left -= 1
            if not self._left:
                self._filling = None
        if starts:
            self._filling, self._left = self._gathered, self._fill_cycles
            self._gathered, self._complete = None, False
        if joins:
            bank, row = self._arrived.pop(0)
            self._gathered = self._target(bank, row)
            self._complete |= row == self._last[self._group[row]]
        if self._fresh is not None and self._fresh[1] in self._group:
            self._arrived.append(self._fresh)
        exists = write is not None and write[0] < self._banks and write[1] < self._rows
        self._fresh = write if exists else None


class Front:
    """Vectors until their planes are driven: one waits behind the driven one.

    Attributes
    ----------
    waiting : (planes, bank) or None
    """

    def __init__(self, decides_ahead):
        self._decides_ahead = decides_ahead
        self.waiting = None
        self._will_dispatch = False

    @property
    def idle(self):
        """No vector is here."""
        return self.waiting is None

    def banks(self):
        """Banks of the vectors that are here."""
        return [self.waiting[1]] if self.waiting else []

    def step(self, vector, blocked, left, enables):
        """One clock cycle: whether ``vector`` would be accepted, and the vector that is dispatched, or None.

        ``blocked``: the tables of the waiting vector's bank are incomplete; ``left``: planes of the driven vector that
        are still to come; ``enables``: whether the pipeline advances, in this cycle and those after it that are known.
        """
        waits = self.waiting is not None and not blocked
        can_dispatch = waits and (left == 0 or (left == 1 and enables[0]))
        dispatch = self._will_dispatch if self._decides_ahead else can_dispatch
        ready = self.waiting is None or dispatch
        dispatched = self.waiting if dispatch else None
        self._may_follow = waits and not dispatch
        if ready:
            self.waiting = vector
        return ready, dispatched

    def plan(self, left, enable):
        """At the end of a cycle: whether a vector is dispatched in the next, and planes and enable then."""
        self._will_dispatch = self._may_follow and (left == 0 or (left == 1 and enable))


class DeepFront(Front):
    """The same, where one vector arrives, another one waits, and what they do is decided ahead."""

    def __init__(self):
        super().__init__(True)
        self._arrived = None
        self._moves = self._waited = self._dispatches = False

    @property
    def idle(self):
        return self.waiting is None and self._arrived is None

    def banks(self):
        return [vector[1] for vector in (self._arrived, self.waiting) if vector]

    def step(self, vector, blocked, left, enables):
        ready, moves, dispatches = self._arrived is None, self._moves, self._dispatches
        going = self._will_dispatch or dispatches
        self._moves = not ready and not moves and (self.waiting is None or going)
        drains = left == 0 or (left <= 3 and all(enables))
        self._dispatches, self._will_dispatch = self._will_dispatch, self._waited and not self._will_dispatch and drains
        self._waited = self.waiting is not None and not blocked and not going
        dispatched = self.waiting if dispatches else None
        if dispatches:
            self.waiting = None
        if moves:
            self.waiting, self._arrived = self._arrived, None
        if ready:
            self._arrived = vector
        return ready, dispatched

    def plan(self, left, enable):
        """Nothing: it was decided in cycles before."""


class MacroCycles:
    """Handshakes of a macro, cycle by cycle, for any behavior of its three streams.

    A vector waits behind the one on the wordlines, is driven for as many cycles as it has planes, and its last plane
    moves down a pipeline that stalls only while a result is ready and the previous one has not been accepted. With a
    ``result_interval`` of ``n > 1`` this is decided ``n - 1`` cycles ahead: a vector waits for at least ``n`` cycles,
    and the pipeline stalls even if the previous result is accepted in the meantime. With 4 a vector also arrives in a
    register before it waits, and is dispatched only as soon as the driven one drains within three cycles without stall.

    Parameters
    ----------
    config : MacroConfig

    Attributes
    ----------
    o_valid : bool
        A result is offered in this cycle.
    planes_left : int
        Planes of the driven vector that are still to come.
    """

    def __init__(self, config):
        # From the last plane on the wordlines to the result that is about to reach the output.
        self._arriving = config.broadcast + config.column_latency + 2 + config.fuse_latency
        self._banks = range(config.banks)
        self._needs_calibration = config.needs_calibration
        self._bank_hold_cycles = config.bank_hold_cycles
        self._cycles_ahead = config.result_interval - 1
        self._is_deep = config.is_deep
        self._writers = [WriterCycles(config, shape, index)
                         for shape in config.shapes for index in range(shape.writers)]
        self._clear()

    def reset(self):
        """One clock cycle of reset, which empties everything.

        Returns
        -------
        set of (int, int)
            A (bank, row) of each group of rows whose tables are incomplete until a row of it is written.
        """
        self._clear()
        return set().union(*(writer.reset() for writer in self._writers))

    def _clear(self):
        self._front = DeepFront() if self._is_deep else Front(self._cycles_ahead > 0)
        # With a deep front: banks of planes a cycle ago, and those that are kept from writes.
        self._used_by_planes = set()
        self._used = set()
        self.planes_left = 0
        self._driven_bank = None
        self._plane_banks = [None] * (1 + self._bank_hold_cycles)
        self._stale = set(self._banks) if self._needs_calibration else set()
        self._pipeline = 0
        self._enables = [True] * self._cycles_ahead
        self.o_valid = False

    @property
    def idle(self):
        """Nothing is in flight."""
        return self._front.idle and not (self.planes_left or self._pipeline or self.o_valid)

    @property
    def vector_waits(self):
        """A vector waits behind the one on the wordlines."""
        return self._front.waiting is not None

    def stalls(self, o_ready):
        """Whether the pipeline stalls in this cycle."""
        if self._cycles_ahead:
            return not self._enables[0]
        return self._has_result(0) and self.o_valid and not o_ready

    def _has_result(self, steps):
        """Whether a result arrives at the output after so many steps of the pipeline."""
        return bool(self._pipeline >> self._arriving - steps & 1)

    def _decide(self, o_ready):
        """Whether the pipeline advances in the first cycle for which that is open."""
        occupied = (self._has_result(0) and self._enables[0]) or (self.o_valid and not o_ready)
        steps = self._enables[0]
        for enable in self._enables[1:]:
            occupied |= enable and self._has_result(steps)
            steps += enable
        return not (self._has_result(steps) and occupied)

    def banks_in_use(self):
        """Banks that vectors in flight may still read."""
        return {*self._front.banks(), *self._banks_of_planes()}

    def _banks_of_planes(self):
        """Banks of the planes that are driven or on the wordlines, or held because of one that was."""
        return {bank for bank in (self._driven_bank if self.planes_left else None, *self._plane_banks)
                if bank is not None}

    def accepts_write(self, bank):
        """``write_ready`` in this cycle for a row of a bank."""
        guarded = self._used if self._is_deep else self.banks_in_use()
        return bank not in guarded and all(writer.ready for writer in self._writers)

    def step(self, vector, write, offered, o_ready):
        """One clock cycle.

        Parameters
        ----------
        vector : (planes, bank) or None
            The vector offered at ``i``.
        write : (bank, row)
            Payload of ``write``, valid or not.
        offered : bool
            ``write`` is valid.
        o_ready : bool

        Returns
        -------
        (i_ready, write_ready) : (bool, bool)
            In this cycle; ``o_valid`` is that of the next.
        """
        arriving = self._has_result(0)
        enable = not self.stalls(o_ready)
        last = self.planes_left == 1
        wanted = self._front.waiting and self._front.waiting[1]
        blocked = any(writer.busy(wanted) for writer in self._writers)
        write_ready = self.accepts_write(write[0])
        fetched = set(self._front.banks())
        i_ready, dispatched = self._front.step(vector, blocked, self.planes_left,
                                               self._enables if self._cycles_ahead else [enable])
        self._used = fetched | self._used_by_planes | ({vector[1]} if vector and i_ready else set())
        self._used_by_planes = self._banks_of_planes() | ({dispatched[1]} if dispatched else set())
        for writer in self._writers:
            writer.step(write if offered and write_ready else None, wanted)

        if self._cycles_ahead:
            self._enables = [*self._enables[1:], self._decide(o_ready)]
        if enable:
            self._pipeline = (self._pipeline << 1 | last) & (2 << self._arriving) - 1
            self._plane_banks = [self._driven_bank if self.planes_left else None, *self._plane_banks[:-1]]
        if dispatched:
            self.planes_left, self._driven_bank = dispatched
            # The calibration plane before a bank's first vector after a write.
            self.planes_left += wanted in self._stale
            self._stale.discard(wanted)
        elif enable and self.planes_left:
            self.planes_left -= 1
        if self._needs_calibration and offered and write_ready and write[0] in self._banks:
            self._stale.add(write[0])
        self.o_valid = (arriving and enable) or (self.o_valid and not o_ready)
        self._front.plan(self.planes_left, not self.stalls(False))
        return i_ready, write_ready
