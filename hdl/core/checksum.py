"""Checksum columns: the sum of a row's weights is stored beside them, and each result is checked against it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.checksum import check_weight_offset
from ..config.widths import ceil_log2
from ..macro.ports import write_layout

# Operands of an adder between two registers.
OPERANDS = 4


def add_stages(m, name, values, shape):
    """The sum of many values, registered after each adder of a few; latency `stage_count` cycles."""
    stage = 0
    while len(values) > 1:
        sums = []
        for first in range(0, len(values), OPERANDS):
            register = Signal(shape, name=f"{name}_{stage}_{first // OPERANDS}", reset_less=True)
            m.d.sync += register.eq(sum(values[first:first + OPERANDS]))
            sums.append(register)
        values, stage = sums, stage + 1
    return values[0]


def stage_count(values):
    """Latency of `add_stages` for so many values."""
    return -(-ceil_log2(values) // ceil_log2(OPERANDS))


class RowChecksum(wiring.Component):
    """Adds the checksum columns to each row that is written.

    A row waits at ``i`` until its weights are added up, for `latency` cycles, in which it must not change; it may be
    withdrawn with ``pending``.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    i : ``In(stream)``
        `write_layout` of the macro without checksum columns.
    o : ``Out(stream)``
        `write_layout` of the macro with checksum columns.
    pending : ``In(1)``
        A row waits at ``i``, though ``i.valid`` may be low. Low in a cycle between two rows.
    override : ``In(1)``
        Write ``check_weights`` instead of the sum, without waiting.
    check_weights : ``In(check_columns * weight_bits)``
        Weights of the checksum columns if ``override``.
    """

    def __init__(self, *, config):
        self.config = config
        self.latency = stage_count(config.macro.columns)
        super().__init__({
            "i": In(stream.Signature(write_layout(config.macro))),
            "o": Out(stream.Signature(write_layout(config.array))),
            "pending": In(1), "override": In(1), "check_weights": In(config.check_columns * config.macro.weight_bits),
        })

    def elaborate(self, platform):
        m = Module()
        macro, count = self.config.macro, self.config.check_columns
        waited = Signal(range(self.latency + 1))
        settled = Signal()
        m.d.comb += settled.eq(self.override | (waited == self.latency))
        with m.If(~self.pending):
            m.d.sync += waited.eq(0)
        with m.Elif(waited != self.latency):
            m.d.sync += waited.eq(waited + 1)

        weights = self.i.payload.weights
        total = add_stages(m, "sum", [weights[column] for column in range(macro.columns)],
                           signed(macro.weight_bits + ceil_log2(macro.columns)))
        shifted = (total + check_weight_offset(count, macro.weight_bits))[:count * macro.weight_bits]
        # Subtracting half the range from a weight inverts its highest bit.
        halves = Const(check_weight_offset(count, macro.weight_bits), count * macro.weight_bits)
        found = Signal(count * macro.weight_bits)
        m.d.comb += [
            found.eq(shifted ^ halves),
            self.o.valid.eq(self.i.valid & settled),
            self.i.ready.eq(self.o.ready & settled),
            self.o.payload.bank.eq(self.i.payload.bank),
            self.o.payload.row.eq(self.i.payload.row),
            Value.cast(self.o.payload.weights).eq(
                Cat(weights.as_value(), Mux(self.override, self.check_weights, found))),
        ]
        return m


class TotalsCheck(wiring.Component):
    """Compares the sum of a vector's totals with the checksum columns, group by group as the requantizer takes them.

    One wrong total of any size is detected, and so is any wrong bit of a weight that changes a total.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    taken : ``In(1)``
        A group is accepted.
    first : ``In(1)``
        It is the first of its vector.
    last : ``In(1)``
        It is the last of its vector.
    totals : ``In(ArrayLayout(signed(total_width), lanes))``
        Totals of the group.
    check_totals : ``In(ArrayLayout(signed(total_width), check_columns))``
        Totals of the checksum columns, with the last group.
    mismatch : ``Out(1)``
        For a cycle, `latency` cycles after a vector's last group: they differ.
    """

    def __init__(self, *, config):
        self.config = config
        self.latency = self.cycles(config)
        total = signed(config.macro.total_width)
        super().__init__({
            "taken": In(1), "first": In(1), "last": In(1), "totals": In(data.ArrayLayout(total, config.lanes)),
            "check_totals": In(data.ArrayLayout(total, config.check_columns)), "mismatch": Out(1),
        })

    @staticmethod
    def cycles(config):
        """Latency: sum of a group, sum of all groups, comparison."""
        return stage_count(config.lanes + config.check_columns) + 2

    def elaborate(self, platform):
        m = Module()
        config, macro = self.config, self.config.macro
        shape = signed(macro.total_width)
        in_last = macro.columns - (config.groups - 1) * config.lanes
        values = [self.totals[lane] if lane < in_last else Mux(self.last, 0, self.totals[lane])
                  for lane in range(config.lanes)]
        values += [Mux(self.last, -(self.check_totals[index] << macro.weight_bits * index), 0)[:macro.total_width]
                   for index in range(config.check_columns)]
        group = add_stages(m, "sum", values, shape)
        taken, first, last = self.taken, self.first, self.last
        for stage in range(stage_count(len(values))):
            taken, first, last = (self._register(m, f"{name}_{stage}", value) for name, value in (
                ("taken", taken), ("first", first), ("last", last)))
        total = Signal(shape, reset_less=True)
        with m.If(taken):
            m.d.sync += total.eq(Mux(first, 0, total) + group)
        ends = self._register(m, "ends", taken & last)
        m.d.sync += self.mismatch.eq(ends & (total != 0))
        return m

    def _register(self, m, name, value):
        register = Signal(name=name)
        m.d.sync += register.eq(value)
        return register
