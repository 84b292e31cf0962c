import random
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal, Value
from bitline.golden.bits import from_bits, limits, to_bits
from bitline.golden.cycles import WriterCycles
from bitline.golden.tables import table_entries, table_reads, table_sums
from bitline.hdl.columns.table_columns import EntryAdder, TableColumns, entry_layout
from bitline.hdl.columns.table_writer import TableWriter, join_writes
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.tables import TableShape
from gateware import simulate

# A vector moves to the drivers, to the wordlines and to a block's registers.
CYCLES_TO_BLOCK = 3


class Written(Elaboratable):
    """Table writers, what a block of columns registers of their writes, and what makes entries of them."""

    INPUTS = ("taken", "row", "bank", "weights", "wanted", "wanted_bank")

    def __init__(self, shape, columns, in_order=False):
        self.shape, self.columns = shape, columns
        self.writers = [TableWriter(shape=shape, columns=columns, index=index, in_order=in_order)
                        for index in range(shape.writers)]
        for name in self.INPUTS:
            setattr(self, name, Signal(getattr(self.writers[0], name).shape(), name=name))
        self.ready, self.busy = Signal(shape.writers), Signal(shape.writers)
        self.write = Signal(entry_layout(shape, columns), reset_less=True)
        self.adders = [[EntryAdder(shape=shape) for _ in range(columns)] for _ in self.writers]
        self.domain = ClockDomain("sync")

    def elaborate(self, platform):
        m = Module()
        m.domains += self.domain
        m.submodules += self.writers
        for writer in self.writers:
            m.d.comb += [Value.cast(getattr(writer, name)).eq(Value.cast(getattr(self, name))) for name in self.INPUTS]
        m.d.comb += [self.ready.eq(Cat(writer.ready for writer in self.writers)),
                     self.busy.eq(Cat(writer.busy for writer in self.writers))]
        write = join_writes(m, self.shape, self.columns, self.writers)
        for name, _ in self.write.shape():
            domain = m.d.sync if name in ("select", "address", "bank") else m.d.comb
            domain += Value.cast(self.write[name]).eq(Value.cast(write[name]))
        for index, adders in enumerate(self.adders):
            m.submodules += adders
            for column, adder in enumerate(adders):
                m.d.comb += adder.weight.eq(self.write.weights[column][index])
                m.d.comb += [getattr(adder, name).eq(self.write[name][index])
                             for name in ("clear", "load", "subtract", "twice") if len(getattr(adder, name))]
        return m


def random_weights(shape, columns, rng):
    """Weights of a row, extremes as likely as anything."""
    low, high = limits(shape.weight_bits, True)
    return [rng.choice((low, high, rng.randint(low, high))) for _ in range(columns)]


class Tables:
    """Drives a `Written` in lockstep with its `WriterCycles`, and keeps what goes into the tables."""

    def __init__(self, ctx, block):
        self.ctx, self.block = ctx, block
        config = MacroConfig(rows=block.shape.rows, columns=1, banks=block.shape.banks)
        self.cycles = [WriterCycles(config, block.shape, index) for index in range(block.shape.writers)]
        self.entries = {}
        self.stored = 0
        self.weights = np.zeros((block.shape.banks, block.shape.rows, block.columns), dtype=int)
        self.incomplete = set()

    def busy(self, bank):
        """Whether the tables of a bank are incomplete."""
        return any(cycles.busy(bank) for cycles in self.cycles)

    async def step(self, row=None, wanted=None, reset=False):
        """A cycle in which a row (bank, row, weights) is offered and a vector waits; whether the row was taken.

        In a reset none is, and ``incomplete`` gets a (bank, row) of each group that must be written again.
        """
        ctx, block = self.ctx, self.block
        ctx.set(block.wanted, wanted is not None)
        ctx.set(block.wanted_bank, wanted or 0)
        ctx.set(block.domain.rst, reset)
        for index, cycles in enumerate(self.cycles):
            assert ctx.get(block.ready[index]) == cycles.ready
            assert wanted is None or ctx.get(block.busy[index]) == cycles.busy(wanted)
        taken = row is not None and not reset and all(cycles.ready for cycles in self.cycles)
        ctx.set(block.taken, taken)
        if taken:
            bank, number, weights = row
            ctx.set(block.bank, bank)
            ctx.set(block.row, number)
            ctx.set(block.weights, weights.tolist())
            if bank < block.shape.banks and number < block.shape.rows:
                self.weights[bank, number] = weights
        select = ctx.get(block.write.select)
        for group in range(block.shape.groups):
            if select >> group & 1:
                self.stored += 1
                writer = group % block.shape.writers
                place = ctx.get(block.write.bank[writer]), group, ctx.get(block.write.address[writer])
                self.entries[place] = [ctx.get(lane.sum) for lane in block.adders[writer]]
        for cycles in self.cycles:
            if reset:
                self.incomplete |= cycles.reset()
            else:
                cycles.step(row[:2] if taken else None, wanted)
        await ctx.tick()
        return taken

    async def write(self, bank, row, weights, wanted=None):
        """Offer a row until it is taken."""
        while not await self.step((bank, row, np.array(weights)), wanted):
            pass

    async def complete(self):
        """Write what resets left incomplete, and wait as a vector with each bank does, and as its first plane takes."""
        for bank, row in sorted(self.incomplete):
            await self.write(bank, row, self.weights[bank, row])
        self.incomplete.clear()
        for bank in range(self.block.shape.banks):
            while self.busy(bank):
                await self.step(wanted=bank)
            for _ in range(CYCLES_TO_BLOCK):
                await self.step()

    def check(self):
        """Every entry of every bank is what the model says, those that were never written of weights of zero."""
        for bank, weights in enumerate(self.weights):
            for (group, address), expected in np.ndenumerate(table_entries(self.block.shape, weights)[..., 0]):
                entry = self.entries.get((bank, group, address), [0] * self.block.columns)
                assert entry[0] == expected, (bank, group, address)


WRITTEN = [
    TableShape("lut_ram", 13, 4, 1), TableShape("lut_ram", 1, 1, 1), TableShape("lut_ram", 11, 5, 3),
    TableShape("lut_ram", 5, 3, 9), TableShape("block_ram", 11, 4, 6), TableShape("block_ram", 3, 2, 16),
    # Groups of both writers, one more of the first than of the second or as many, and too few for a second.
    *(replace(shape, table_writers=2) for shape in (
        TableShape("lut_ram", 13, 4, 1), TableShape("lut_ram", 14, 3, 2), TableShape("lut_ram", 9, 5, 16),
        TableShape("lut_ram", 5, 3, 1), TableShape("block_ram", 11, 4, 6))),
]


@pytest.mark.parametrize("shape", WRITTEN, ids=str)
@pytest.mark.parametrize("extreme, in_order", [(0, False), (1, False), (None, False), (None, True)])
def test_each_entry_is_stored_once_if_rows_come_in_order(shape, extreme, in_order):
    block, rng = Written(shape, 2, in_order), random.Random(1)

    async def testbench(ctx):
        tables = Tables(ctx, block)
        for bank in range(shape.banks):
            for row in range(shape.rows):
                least_and_greatest = limits(shape.weight_bits, True)
                weights = random_weights(shape, 2, rng) if extreme is None else [least_and_greatest[extreme]] * 2
                await tables.write(bank, row, weights)
        await tables.complete()
        tables.check()
        assert tables.stored == shape.banks * shape.groups << shape.address_bits

    simulate(block, testbench)


@pytest.mark.parametrize("banks, table_writers, cycles", [(1, 1, 294), (1, 2, 162), (2, 1, 215), (2, 2, 115)])
def test_64_rows_without_a_pause(banks, table_writers, cycles):
    """From the first row that is offered to the cycle in which the last table is complete, as docs/columns.md says."""
    block, rng = Written(TableShape("lut_ram", 64, 2, banks, table_writers=table_writers), 1), random.Random(1)

    async def testbench(ctx):
        tables, row, taken = Tables(ctx, block), 0, 0
        while row < 64 or tables.busy(0):
            item = (0, row, np.array(random_weights(block.shape, 1, rng))) if row < 64 else None
            row += await tables.step(item)
            taken += 1
        assert taken == cycles

    simulate(block, testbench)


@pytest.mark.parametrize("shape", WRITTEN, ids=str)
def test_any_order_of_rows_with_vectors_that_wait_and_resets(shape):
    block, rng = Written(shape, 1), random.Random(1)

    async def testbench(ctx):
        tables = Tables(ctx, block)
        ctx.set(block.domain.rst, 1)
        await ctx.tick()
        for _ in range(12):
            hurry, resets = rng.choice((0, 0.1, 1)), rng.choice((0, 0.2))
            for _ in range(rng.randrange(2 * shape.rows)):
                # Rows and banks that do not exist too.
                bank, row = rng.randrange(1 << len(block.bank)), rng.randrange(1 << len(block.row))
                item = bank, row, np.array(random_weights(shape, 1, rng))
                while not await tables.step(item, rng.randrange(shape.banks) if rng.random() < hurry else None,
                                            rng.random() < resets):
                    pass
                while rng.random() < 0.3:
                    await tables.step(reset=rng.random() < resets)
            await tables.complete()
            tables.check()

    simulate(block, testbench)


@pytest.mark.parametrize("shape", WRITTEN, ids=str)
def test_any_row_of_a_group_completes_its_tables_after_a_reset(shape):
    block, rng = Written(shape, 1), random.Random(1)

    async def testbench(ctx):
        tables = Tables(ctx, block)
        for group in shape.rows_of_groups:
            rows = [row for row in group if row is not None]
            for again in rows:
                bank = rng.randrange(shape.banks)
                for row in rows:
                    await tables.write(bank, row, random_weights(shape, 1, rng))
                for _ in range(rng.randrange(shape.table_fill_cycles)):
                    await tables.step()
                await tables.step(reset=True)
                assert tables.incomplete == {(bank, rows[-1])}
                tables.incomplete = {(bank, again)}
                await tables.complete()
                tables.check()

    simulate(block, testbench)


class Columns(Written):
    """Table columns behind a table writer."""

    def __init__(self, config, shape):
        self.config = config
        super().__init__(shape, 2)
        self.tables = TableColumns(config=config, shape=self.shape, columns=2)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.submodules.tables = self.tables
        m.d.comb += Value.cast(self.tables.write).eq(Value.cast(self.write))
        return m


class Reading:
    """Sends planes through a `Columns` at full rate, with pauses, and checks the sums that come out."""

    def __init__(self, ctx, block, rng):
        self.ctx, self.block, self.rng = ctx, block, rng
        levels = block.shape.levels
        self.calibrates = deque([0] * (levels + 1))
        self.expected = deque([None] * (block.config.column_latency - 1))

    async def plane(self, bank, plane, expected, calibrates=False):
        ctx, tables, shape = self.ctx, self.block.tables, self.block.shape
        addresses, signs = table_reads(shape, plane)
        codes = to_bits(addresses | signs << shape.address_bits, shape.group_rows)
        word = codes if shape.is_offset else to_bits(plane, 1)
        self.calibrates.append(calibrates)
        self.expected.append(expected)
        ctx.set(tables.plane, word)
        ctx.set(tables.bank, bank)
        if shape.is_offset:
            ctx.set(tables.calibrate, self.calibrates.popleft())
        while self.rng.random() < 0.2:
            ctx.set(tables.enable, 0)
            await ctx.tick()
        ctx.set(tables.enable, 1)
        await ctx.tick()
        expected = self.expected.popleft()
        if expected is not None:
            sums = from_bits(ctx.get(tables.sums), self.block.config.sum_width, 2)
            assert (~sums if shape.is_offset else sums).tolist() == expected.tolist()


@pytest.mark.parametrize("storage, parameters", [
    ("lut_ram", {"rows": 1}),
    ("lut_ram", {"rows": 5, "weight_bits": 1}),
    ("lut_ram", {"rows": 23, "weight_bits": 16}),
    ("lut_ram", {"rows": 13, "banks": 2, "weight_bits": 3}),
    ("lut_ram", {"rows": 17, "banks": 3}),
    ("lut_ram", {"rows": 7, "banks": 16, "weight_bits": 2}),
    ("lut_ram", {"rows": 20, "banks": 4, "block_ram_columns": 1}),
    ("lut_ram", {"rows": 23, "table_writers": 2}),
    ("lut_ram", {"rows": 16, "banks": 2, "table_writers": 2, "weight_bits": 5}),
    ("block_ram", {"rows": 17, "banks": 9, "block_ram_columns": 2, "table_writers": 2}),
    ("block_ram", {"rows": 3, "banks": 4, "block_ram_columns": 2, "weight_bits": 1}),
    ("block_ram", {"rows": 17, "banks": 9, "block_ram_columns": 2, "weight_bits": 5}),
    ("block_ram", {"rows": 13, "banks": 5, "block_ram_columns": 1, "weight_bits": 16}),
])
def test_columns_sum_like_the_model(storage, parameters):
    config = MacroConfig(columns=2, column="table", **parameters)
    shape = next(shape for shape in config.shapes if shape.storage == storage)
    block, rng, numpy_rng = Columns(config, shape), random.Random(1), np.random.default_rng(1)
    low, high = limits(config.weight_bits, True)
    zeros = np.zeros(config.rows, dtype=int)

    async def testbench(ctx):
        reading = Reading(ctx, block, rng)
        for make in (lambda: low, lambda: high, lambda: rng.choice((low, high)), lambda: rng.randint(low, high)):
            tables = Tables(ctx, block)
            for bank in range(config.banks):
                for row in range(config.rows):
                    await tables.write(bank, row, [make(), make()])
            await tables.complete()
            planes = [(bank, numpy_rng.integers(0, 2, config.rows)) for bank in range(config.banks) for _ in range(12)]
            planes += [(bank, plane) for bank in range(config.banks) for plane in (zeros, zeros + 1)]
            rng.shuffle(planes)
            fresh = set()
            for bank, plane in planes:
                if bank not in fresh:
                    fresh.add(bank)
                    await reading.plane(bank, zeros, None, calibrates=True)
                await reading.plane(bank, plane, table_sums(block.shape, tables.weights[bank], plane))
            for _ in range(config.column_latency):
                await reading.plane(0, zeros, None)

    simulate(block, testbench)
