"""Table columns: reading a memory is the multiplication, and adds up a few rows at once."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.adder import Addition, Carry, Operand, add, flipped
from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam, LutRam
from .adder_levels import Delays, Node, sum_level


def entry_layout(shape, columns):
    """Write port of some columns: what `TableWriter` gives, from each writer; ``select`` of all groups in order."""
    writers = shape.writers
    return data.StructLayout({
        "weights": data.ArrayLayout(data.ArrayLayout(signed(shape.weight_bits), writers), columns),
        "clear": writers,
        "load": writers,
        "subtract": writers,
        "twice": writers * shape.doubles,
        "select": shape.groups,
        "address": data.ArrayLayout(shape.address_bits, writers),
        "bank": data.ArrayLayout(range(shape.banks), writers),
    })


class EntryAdder(wiring.Component):
    """Accumulates the entries of a column's tables: adds or subtracts one weight a cycle, in offset binary or twice it.

    Latency: all inputs in cycle 0, the sum in cycle 2.

    Parameters
    ----------
    shape : TableShape

    Members
    -------
    weight : ``In(signed(weight_bits))``
        Weight to add.
    clear : ``In(1)``
        Add zero instead.
    load : ``In(1)``
        Start a new sum.
    subtract : ``In(1)``
        Subtract instead.
    twice : ``In(int(doubles))``
        Add or subtract twice the weight: what a weight whose sign changes counts in offset binary.
    sum : ``Out(signed(sum_width))``
        The sum.
    """

    def __init__(self, *, shape):
        self.table = shape
        super().__init__({
            "weight": In(signed(shape.weight_bits)),
            "clear": In(1),
            "load": In(1),
            "subtract": In(1),
            "twice": In(int(shape.doubles)),
            "sum": Out(signed(shape.sum_width)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        # Doubled before its register, because no adder input is left for that, and cleared by the register's reset.
        term = Mux(self.twice, self.weight << 1, self.weight) if self.table.doubles else self.weight
        weight = Signal(term.shape(), reset_less=True)
        total = Signal.like(self.sum, reset_less=True)
        keep = Signal(reset_less=True)
        subtract = Signal(reset_less=True)
        m.d.sync += [weight.eq(term), keep.eq(~self.load), subtract.eq(self.subtract)]
        with m.If(self.clear):
            m.d.sync += weight.eq(0)
        step = Addition(Operand(weight, "xor", subtract), Operand(total, "and", keep), len(total),
                        Carry(lambda a, b: a, subtract))
        m.d.sync += total.eq(add(m, platform, "step", [step])[0])
        m.d.comb += self.sum.eq(total)
        return m


class TableColumns(wiring.Component):
    """Neighboring columns whose tables share memories: one sum a column and cycle, ``latency`` cycles after its plane.

    Tables in block RAM hold plain sums, which the adder levels add. Those in LUT-RAM are in offset binary: if every
    input counts as +1 or -1, complementing all inputs of a group only negates its sum T, so half the entries and a sign
    are enough. The parity P of T is the same for all entries of a group: u = (T - P) / 2 is stored, and -T is ``~u``
    with the same P and a carry of 1 - P. The column's sum then is ``sum(u ^ sign) + sum(sign & ~P)`` plus a constant of
    the column. Calibration measures that constant with a plane of zeros, whose sum is known. Each of the carries is the
    carry-in of an adder.

    Offset binary: S. A. White, "Applications of Distributed Arithmetic to Digital Signal Processing", IEEE ASSP
    Magazine, July 1989.

    Parameters
    ----------
    config : MacroConfig
    shape : TableShape
    columns : int

    Members
    -------
    write : ``In(entry_layout)``
        Entries to write, from the table writers.
    enable : ``In(1)``
        The pipeline advances.
    bank : ``In(range(banks))``
        Bank that computes.
    plane : ``In(plane_bits)``
        One bit of each input; for LUT-RAM the codes of `OffsetEncoder`.
    calibrate : ``In(int(is_offset))``
        The calibration plane is at the last addition.
    sums : ``Out(columns * sum_width)``
        A sum for each column, the first lowest; complemented in offset binary.
    """

    def __init__(self, *, config, shape, columns):
        self.config = config
        self.table = shape
        self.columns = columns
        super().__init__({
            "write": In(entry_layout(shape, columns)),
            "enable": In(1),
            "bank": In(range(config.banks)),
            "plane": In(shape.plane_bits),
            "calibrate": In(int(shape.is_offset)),
            "sums": Out(columns * config.sum_width),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        delays = Delays(m, self.enable)
        entries = self._add_entry_adders(m, platform)
        tables = self._offset_tables if self.table.is_offset else self._plain_tables
        columns = tables(m, platform, delays, entries)
        for level in range(self.table.levels):
            columns = sum_level(m, platform, delays, f"level{level + 1}", columns)
        nodes = [node for (node,) in columns]
        values = self._calibrate(m, platform, delays, nodes) if self.table.is_offset else [node.value for node in nodes]
        for stage in range(self.config.column_latency - self.table.latency):
            values = [delays.register(f"wait{stage}_{column}", value, value.shape())
                      for column, value in enumerate(values)]
        for column, value in enumerate(values):
            m.d.comb += self.sums.word_select(column, self.config.sum_width).eq(value)
        return m

    def _add_entry_adders(self, m, platform):
        """New entries of each writer, a list of one for each column."""
        entries = []
        for writer in range(self.table.writers):
            entries.append([])
            for column in range(self.columns):
                adder = platform.instantiate(m, f"entry_adder_{writer * self.columns + column}",
                                             f"{self.table.storage}_entry_adder", EntryAdder, shape=self.table)
                m.d.comb += [
                    adder.weight.eq(self.write.weights[column][writer]),
                    adder.clear.eq(self.write.clear[writer]),
                    adder.load.eq(self.write.load[writer]),
                    adder.subtract.eq(self.write.subtract[writer]),
                ]
                if self.table.doubles:
                    m.d.comb += adder.twice.eq(self.write.twice[writer])
                entries[writer].append(adder.sum)
        return entries

    def _plain_tables(self, m, platform, delays, entries):
        """Read the tables in block RAM; the nodes of each column."""
        shape = self.table
        nodes = [[] for _ in range(self.columns)]
        low, high = shape.extremes
        for group, rows in enumerate(shape.rows_of_groups):
            table = self._add_table(m, platform, BlockRam, group, [Cat(each) for each in entries])
            plane = Cat(Const(0) if row is None else self.plane[row] for row in rows)
            m.d.comb += [table.address.eq(Cat(plane, self.bank)), table.enable.eq(self.enable)]
            for column in range(self.columns):
                entry = table.data.word_select(column, shape.entry_bits)
                if shape.has_entry_registers:
                    entry = delays.register(f"entry_{group}_{column}", entry)
                nodes[column].append(Node(entry.as_signed(), low, high))
        return nodes

    def _offset_tables(self, m, platform, delays, entries):
        """Read the tables in LUT-RAM; the nodes of each column."""
        shape = self.table
        nodes = [[] for _ in range(self.columns)]
        low, high = (bound >> 1 for bound in shape.extremes)
        low, high = min(low, ~high), max(high, ~low)
        beside = shape.banks == 1
        words = [Cat(new_entry[int(beside):] for new_entry in each) for each in entries]
        for group in range(shape.groups):
            code = self.plane.word_select(group, shape.group_rows)
            table = self._add_table(m, platform, LutRam, group, words)
            m.d.comb += table.address.eq(Cat(code[:-1], self.bank))
            sign = delays.register(f"sign_{group}", code[-1])
            for column, new_entry in enumerate(entries[group % shape.writers]):
                entry = delays.register(f"entry_{group}_{column}", table.data.word_select(column, shape.entry_bits))
                parity = entry[0]
                if beside:
                    parity = Signal(name=f"parity_{group}_{column}", reset_less=True)
                    with m.If(self.write.select[group]):
                        m.d.sync += parity.eq(new_entry[0])
                carry = Carry(lambda a, b: a & ~b, sign, parity, is_static=beside)
                nodes[column].append(Node(entry[int(not beside):].as_signed(), low, high, "xor", sign, (carry,)))
        return nodes

    def _add_table(self, m, platform, cls, group, words):
        """A memory for the tables of a group; ``words`` are the new entries of all columns, from each writer."""
        shape, writer = self.table, group % self.table.writers
        word = words[writer]
        table = platform.instantiate(m, f"table_{group}", f"{shape.storage}_{len(word)}", cls, width=len(word),
                                     depth=shape.banks << shape.address_bits)
        m.d.comb += [
            table.write.eq(self.write.select[group]),
            table.write_address.eq(Cat(self.write.address[writer], self.write.bank[writer])),
            table.write_data.eq(word),
        ]
        return table

    def _calibrate(self, m, platform, delays, nodes):
        """The complemented sums: outputs of the levels minus those for the calibration plane.

        The carry of the one group that no adder has added yet is added to both.
        """
        values = [node.value if node.bit is None else flipped(node.value, node.bit) for node in nodes]
        zeros = self._zero_sums(m, platform, delays, values)
        additions = []
        for node, value, zero in zip(nodes, values, zeros):
            (carry,) = node.carries
            carry = Carry(lambda a, b: ~a & ~b, carry.a, carry.b)
            additions.append(Addition(Operand(value), zero, self.config.sum_width, carry, inverts=True))
        return [delays.register(f"calibrated_{column}", value, signed(self.config.sum_width))
                for column, value in enumerate(add(m, platform, "calibration", additions))]

    def _zero_sums(self, m, platform, delays, values):
        """For each column its sum for the calibration plane, as an operand; that plane stores it."""
        banks, bank = self.config.banks, self.bank
        for stage in range(self.table.levels + 1 if banks > 1 else 0):
            bank = delays.register(f"bank_{stage}", bank)
        # While the pipeline stalls, the same value is stored again.
        stores = self.calibrate
        if banks > 2:
            word = Cat(values)
            sums = platform.instantiate(m, "zero_sums", f"zero_sums_{len(word)}", LutRam, width=len(word), depth=banks)
            m.d.comb += [sums.write.eq(stores), sums.write_address.eq(bank), sums.write_data.eq(word),
                         sums.address.eq(bank)]
            return [Operand(sums.data.word_select(column, len(value)).as_signed())
                    for column, value in enumerate(values)]
        operands = []
        for column, value in enumerate(values):
            registers = [Signal(signed(len(value)), name=f"zero{column}_{index}", reset_less=True)
                         for index in range(banks)]
            for index, register in enumerate(registers):
                with m.If(stores & (bank == index)):
                    m.d.sync += register.eq(value)
            operands.append(Operand(registers[0]) if banks == 1
                            else Operand(registers[1], "select", bank, registers[0]))
        return operands
