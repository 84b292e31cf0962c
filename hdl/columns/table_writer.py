"""Table writer: stores the weights, and computes the entries of the tables from them."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam, LutRam
from .table_columns import entry_layout


def join_writes(m, shape, columns, writers):
    """What all table writers of some columns write, as `entry_layout`."""
    write = Signal(entry_layout(shape, columns), name=f"{shape.storage}_write")
    for index, writer in enumerate(writers):
        one = writer.write
        m.d.comb += [write.weights[column][index].eq(one.weights[column]) for column in range(columns)]
        m.d.comb += [write[name][index].eq(one[name]) for name in ("clear", "load", "subtract", "address", "bank")]
        m.d.comb += [write.twice[index].eq(one.twice)] if shape.doubles else []
        m.d.comb += [write.select[group].eq(one.select[place]) for place, group in enumerate(shape.groups_of(index))]
    return write


class TableWriter(wiring.Component):
    """Stores rows in a block RAM, and rewrites all entries of a group of rows when it is complete.

    It stores all rows, and is concerned with its own groups. Rows of one group and bank gather. The table fill of the
    group starts when its last row has arrived, when a row of another group waits, or when a vector waits for the bank
    and none of its rows is on its way; rows of the next group gather meanwhile. A fill writes the entries in the order
    of a Gray code, so that each differs from the previous one by one weight.

    A row is accepted in every cycle, as long as rows join the group that gathers; ``waiting_rows`` of them may wait
    until they can. A reset ends the fill and forgets which rows have gathered, but every
    accepted row is in the block RAM: the tables of an interrupted group are right again once any of its rows is
    written.

    Parameters
    ----------
    shape : TableShape
    columns : int
        Columns whose tables these are.
    index : int
        Which of the shape's writers it is; its groups are ``shape.groups_of(index)``.
    in_order : bool
        Rows of a bank come in order, from the first one on, and no vector uses the bank meanwhile. So only rows of
        groups that wait or are filled are stored, in LUT-RAM; rows of a group that do not come have undefined weights,
        and after a reset a bank is undefined until it is written.

    Members
    -------
    taken : ``In(1)``
        A row is accepted; only while ``ready``.
    row : ``In(range(rows))``
        Its number; a row that does not exist changes nothing.
    bank : ``In(range(banks))``
        Its bank.
    weights : ``In(ArrayLayout(signed(weight_bits), columns))``
        Its weights.
    ready : ``Out(1)``
        A row may be accepted.
    wanted : ``In(1)``
        A vector waits for a bank.
    wanted_bank : ``In(range(banks))``
        That bank.
    busy : ``Out(1)``
        Tables of ``wanted_bank`` are incomplete.
    write : ``Out(StructLayout)``
        To the columns, see `EntryAdder`: ``weights``, ``clear``, ``load``, ``subtract`` and ``twice`` come three
        cycles after a step of a fill; the tables' ``select`` (a bit for each of its groups), ``address`` and ``bank``
        four, to be registered once more on the way.
    """

    def __init__(self, *, shape, columns, index=0, in_order=False):
        self.table = shape
        self.columns = columns
        self.index = index
        self.in_order = in_order
        self.groups = shape.groups_of(index)
        super().__init__({
            "taken": In(1),
            "row": In(range(shape.rows)),
            "bank": In(range(shape.banks)),
            "weights": In(data.ArrayLayout(signed(shape.weight_bits), columns)),
            "ready": Out(1),
            "wanted": In(1),
            "wanted_bank": In(range(shape.banks)),
            "busy": Out(1),
            "write": Out(data.StructLayout({
                "weights": data.ArrayLayout(signed(shape.weight_bits), columns),
                "clear": 1,
                "load": 1,
                "subtract": 1,
                "twice": int(shape.doubles),
                "select": len(self.groups),
                "address": shape.address_bits,
                "bank": range(shape.banks),
            })),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        target = data.StructLayout({"group": range(len(self.groups)), "bank": range(self.table.banks),
                                    **({"place": range(self._places)} if self.in_order else {})})
        # Whether rows have arrived, a group gathers, tables are filled; and of which group and bank.
        self._arrived = Signal(self.table.waiting_rows, name="arrived")
        arrival = data.StructLayout({"target": target, "is_last": 1, "continues": 1})
        self._arrivals = [self._register(f"arrival_{place}", arrival) for place in range(self.table.waiting_rows)]
        self._gathers, self._gathered = Signal(name="gathers"), self._register("gathered", target)
        self._filling, self._fill_target = Signal(name="filling"), self._register("fill_target", target)
        self._arrive(m)
        self._gather(m)
        position, clear = self._step(m)
        self._read(m, platform, position, clear)
        return m

    def _register(self, name, shape):
        """A register without reset: undefined unless a register with reset qualifies it."""
        return Signal(shape, name=name, reset_less=True)

    def _arrive(self, m):
        """Find to which group an accepted row belongs, and in the next cycle whether the row before does, too."""
        shape = self.table
        self._fresh = fresh = Signal(name="fresh")
        row, bank = self._register("fresh_row", self.row.shape()), self._register("fresh_bank", self.bank.shape())
        self._fresh_bank, self._store, self._fresh_address = bank, fresh, Cat(row, bank)
        self._joins = Signal(name="joins")
        found = Signal(data.StructLayout({"group": range(len(self.groups)), "is_last": 1, "is_own": 1}), name="found")
        fresh_found = self._register("fresh_found", found.shape())
        groups = [[row for row in shape.rows_of_groups[group] if row is not None] for group in self.groups]
        m.d.sync += [fresh.eq(self.taken & (self.row < shape.rows) & (self.bank < shape.banks)),
                     row.eq(self.row), bank.eq(self.bank), fresh_found.eq(found)]
        if shape.writers == 1:
            m.d.comb += found.is_own.eq(1)
        with m.Switch(self.row):
            for group, rows in enumerate(groups):
                with m.Case(*rows):
                    m.d.comb += [found.is_own.eq(1), found.group.eq(group)]
        with m.Switch(self.row), m.Case(*(rows[-1] for rows in groups)):
            m.d.comb += found.is_last.eq(1)
        new = Signal(self._arrivals[0].shape(), name="new_arrival")
        # Group and bank of the row before, which gather when this one is the first that waits.
        previous = self._register("previous", new.target.shape())
        push = fresh & fresh_found.is_own
        m.d.comb += [new.target.group.eq(fresh_found.group), new.target.bank.eq(bank),
                     new.is_last.eq(fresh_found.is_last)]
        if self.in_order:
            self._find_place(m, push, new, previous)
        else:
            m.d.comb += new.continues.eq(new.target == previous)
        with m.If(push):
            m.d.sync += previous.eq(new.target)
        self._wait(m, push, new)
        used = ((fresh, bank), *((arrived, arrival.target.bank) for arrived, arrival in zip(
            self._arrived, self._arrivals)), (self._gathers, self._gathered.bank),
            (self._filling, self._fill_target.bank))
        pending = Signal(shape.banks, name="pending")
        m.d.comb += self.busy.eq(pending.bit_select(self.wanted_bank, 1) | (fresh & (bank == self.wanted_bank)))
        for index in range(shape.banks):
            arrives, *others = (valid & (bank == index) for valid, bank in used)
            m.d.sync += pending[index].eq(arrives | (pending[index] & reduce(or_, others)))

    @property
    def _places(self):
        """Groups of which rows are stored if they come in order: one is filled, one gathers, and the rows that wait may
        each be of another; with two banks of two, because a tile of one group is used before the next but one comes.
        """
        return 4 if self.table.banks <= 2 else 8

    def _find_place(self, m, push, new, previous):
        """Where a row that has arrived is stored: a place for each group, one after the other."""
        is_known = Signal(name="is_known")
        position = self._register("fresh_position", ceil_log2(self.table.group_rows))
        with m.Switch(self.row):
            for index in range(self.table.group_rows):
                with m.Case(*(rows[index] for rows in self.table.rows_of_groups if rows[index] is not None)):
                    m.d.sync += position.eq(index)
        m.d.comb += [
            new.continues.eq((new.target.group == previous.group) & (new.target.bank == previous.bank)),
            new.target.place.eq(Mux(is_known, previous.place + ~new.continues, 0)),
        ]
        with m.If(push):
            m.d.sync += is_known.eq(1)
        self._store, self._fresh_address = push, Cat(position, new.target.place)

    def _wait(self, m, push, new):
        """A queue of rows that have arrived, the first in place 0; rows are accepted if there is room for all."""
        arrived, last = self._arrived, len(self._arrived) - 1
        m.d.comb += self.ready.eq(~(arrived[last] | (arrived[last - 1] & self._fresh)))
        m.d.sync += arrived.eq(Mux(self._joins, arrived[1:] | Mux(push, arrived, 0),
                                   arrived | Mux(push, Cat(1, arrived), 0)))
        for place, arrival in enumerate(self._arrivals):
            with m.If(self._joins | ~arrived[place]):
                m.d.sync += arrival.eq(new)
                if place < last:
                    with m.If(arrived[place + 1]):
                        m.d.sync += arrival.eq(self._arrivals[place + 1])

    def _gather(self, m):
        """Let rows of one group gather, and fill the tables of one group after the other."""
        complete = Signal(name="complete")
        is_wanted = Signal(reset_less=True)
        starts = Signal()
        head, arrives = self._arrivals[0], self._arrived[0]
        self._ends = Signal(name="ends")
        # Where the last group lacks rows, its first position is a row of the group before, or none.
        self._first = self._register("fill_first", ceil_log2(self.table.rows))
        missing = self.table.rows_of_groups[-1].count(None)
        m.d.comb += [
            # A group that gathers makes room for another one as soon as its fill can start.
            self._joins.eq(arrives & (~self._gathers | head.continues | ~self._filling)),
            starts.eq(self._gathers & ~self._filling & (complete | Mux(arrives, ~head.continues, is_wanted))),
        ]
        # Not yet if a row of the bank is on its way, without which a second fill would follow.
        m.d.sync += [is_wanted.eq(self.wanted & self._gathers & (self.wanted_bank == self._gathered.bank)
                                  & ~(self._fresh & (self._fresh_bank == self.wanted_bank))),
                     self._gathers.eq(self._joins | (self._gathers & ~starts)),
                     complete.eq((self._joins & head.is_last) | (complete & ~starts))]
        with m.If(starts):
            m.d.sync += [self._filling.eq(1), self._fill_target.eq(self._gathered)]
            with m.Switch(self._gathered.group):
                for place, group in enumerate(self.groups):
                    with m.Case(place):
                        first = group * self.table.group_rows - (missing if group == self.table.groups - 1 else 0)
                        m.d.sync += self._first.eq(first)
        with m.Elif(self._ends):
            m.d.sync += self._filling.eq(0)
        with m.If(self._joins):
            m.d.sync += self._gathered.eq(head.target)

    def _step(self, m):
        """Count the steps of a fill: which row of the group is read, and what is done with it."""
        shape, bits = self.table, self.table.address_bits
        base, count = Signal(init=1, name="base"), Signal(range(shape.table_fill_cycles + 1), name="count")
        position = Signal(range(shape.group_rows))
        clear = Signal()
        load = Signal()
        subtract = Signal()
        strobe = Signal()
        # The entry's number, and that number in Gray code.
        code = Signal(bits)
        gray = Signal(bits)
        address = Signal(bits)
        m.d.comb += [
            code.eq(Mux(base, 0, count)),
            gray.eq(code ^ code >> 1),
            address.eq(~gray if shape.is_offset else gray),
            clear.eq(0 if shape.is_offset else base),
            load.eq(base & (count == 0)),
            strobe.eq(self._filling & (~base | (count == shape.base_steps - 1))),
            self._ends.eq(~base & (count == 1 << bits) if bits else base & (count == 1)),
        ]
        with m.If(base):
            if shape.is_offset:
                m.d.comb += position.eq(count)
        with m.Else():
            for bit in reversed(range(bits)):
                with m.If(code[bit]):
                    # The lowest one of a number is the bit that its Gray code has changed.
                    m.d.comb += [position.eq(bit), subtract.eq(gray[bit] == shape.is_offset)]
        with m.If(self._filling):
            m.d.sync += count.eq(count + 1)
            if bits:
                with m.If(base & (count == shape.base_steps - 1)):
                    m.d.sync += [base.eq(0), count.eq(1)]
            with m.If(self._ends):
                m.d.sync += [base.eq(1), count.eq(0)]
        self._delay(m, "load", load, 3)
        self._delay(m, "subtract", subtract, 3)
        if shape.doubles:
            self._delay(m, "twice", ~base, 3)
        # Two registers of the delay: the strobe goes to all groups.
        writes, selected = self._register("writes", 1), self._register("selected", len(self.groups))
        m.d.sync += [writes.eq(strobe & ~self._ends), selected.eq(1 << self._fill_target.group)]
        self._delay(m, "select", Mux(writes, selected, 0), 3)
        self._delay(m, "address", address, 4)
        self._delay(m, "bank", self._fill_target.bank, 4)
        return position, clear

    def _read(self, m, platform, position, clear):
        """Store the rows, and read the one that the fill needs."""
        shape = self.table
        row_bits = ceil_log2(shape.rows)
        width, depth = len(self.weights.as_value()), shape.banks << row_bits
        if self.in_order:
            depth = self._places << ceil_log2(shape.group_rows)
        rows = platform.instantiate(m, "rows", f"{shape.storage}_rows", LutRam if self.in_order else BlockRam,
                                    width=width, depth=depth)
        address = self._register("read_address", len(rows.address))
        missing = shape.rows_of_groups[self.groups[-1]].count(None)
        is_missing = (self._fill_target.group == len(self.groups) - 1) & (position < missing) if missing else 0
        # The block RAMs are far from each other, and from the logic that accepts a row.
        stored = self._register("fresh_weights", len(rows.write_data))
        m.d.sync += [
            stored.eq(self.weights),
            address.eq(Cat(position, self._fill_target.place) if self.in_order else
                       Cat((self._first + position)[:row_bits], self._fill_target.bank)),
        ]
        m.d.comb += [
            rows.write.eq(self._store),
            rows.write_address.eq(self._fresh_address),
            rows.write_data.eq(stored),
            rows.address.eq(address),
        ]
        if self.in_order:
            self._delay(m, "weights", rows.data, 2)
        else:
            m.d.comb += [rows.enable.eq(1), self.write.weights.eq(rows.data)]
        self._delay(m, "clear", clear | is_missing, 3)

    def _delay(self, m, name, value, cycles):
        for cycle in range(cycles):
            register = self._register(f"{name}_{cycle}", unsigned(len(value)))
            m.d.sync += register.eq(value)
            value = register
        m.d.comb += self.write[name].eq(value)
