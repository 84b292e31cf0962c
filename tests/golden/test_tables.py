import itertools
import random
from unittest import mock

import numpy as np
import pytest
from amaranth.hdl import Fragment
from bitline.golden.bits import limits, to_bits
from bitline.golden.mvm import mvm
from bitline.golden.tables import table_entries, table_levels, table_reads, table_sums
from bitline.hdl.columns import table_columns
from bitline.hdl.columns.offset_encoder import OffsetEncoder
from bitline.hdl.columns.table_columns import TableColumns
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.tables import TableShape
from bitline.hdl.fabric.memory import BlockRam, ByteRam, LutRam
from gateware import simulate
from hypothesis import given, settings
from hypothesis import strategies as st

STORAGES = ("lut_ram", "block_ram")
SHAPES = st.builds(TableShape, storage=st.sampled_from(STORAGES), rows=st.integers(1, 40),
                   weight_bits=st.integers(1, 16), banks=st.integers(1, 16))


@st.composite
def operations(draw):
    """A shape, weights of three columns and a plane; extremes as likely as anything."""
    shape = draw(SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    low, high = limits(shape.weight_bits, True)
    size = shape.rows, 3
    weights = draw(st.sampled_from((np.full(size, low), np.full(size, high), rng.choice((low, high), size),
                                    rng.integers(low, high + 1, size))))
    plane = draw(st.sampled_from((np.zeros(shape.rows, int), np.ones(shape.rows, int),
                                  rng.integers(0, 2, shape.rows))))
    return shape, weights, plane


@given(operations())
def test_reading_tables_is_the_product(operation):
    shape, weights, plane = operation
    assert (table_sums(shape, weights, plane) == mvm(weights, plane[None])[0]).all()


@given(SHAPES)
def test_each_row_is_in_one_group_and_the_last_of_a_group_exists(shape):
    groups = shape.rows_of_groups
    assert [row for rows in groups for row in rows if row is not None] == list(range(shape.rows))
    assert len(groups) == shape.groups and all(len(rows) == shape.group_rows for rows in groups)
    assert all(rows[-1] is not None for rows in groups)
    assert all(None not in rows for rows in groups[:-1])


@given(SHAPES)
def test_banks_and_rows_share_the_address(shape):
    words = 1 << shape.memory_address_bits
    assert shape.banks << shape.address_bits <= words < shape.banks << shape.address_bits + 1
    assert shape.plane_bits >= shape.rows


@pytest.mark.parametrize("storage, rows, banks, group_rows, groups, latency, fill", [
    ("lut_ram", 80, 1, 5, 16, 6, 21), ("lut_ram", 80, 2, 4, 20, 7, 12), ("lut_ram", 80, 4, 3, 27, 7, 7),
    ("lut_ram", 1, 16, 1, 1, 2, 2), ("lut_ram", 6, 1, 5, 2, 3, 21), ("block_ram", 80, 1, 9, 9, 7, 513),
    ("block_ram", 80, 2, 8, 10, 7, 257), ("block_ram", 9, 1, 9, 1, 3, 513)])
def test_shapes_of_named_configurations(storage, rows, banks, group_rows, groups, latency, fill):
    shape = TableShape(storage, rows, 8, banks)
    found = shape.group_rows, shape.groups, shape.latency, shape.table_fill_cycles
    assert found == (group_rows, groups, latency, fill)


@settings(deadline=None)
@given(st.sampled_from(STORAGES), st.integers(1, 4), st.integers(1, 16))
def test_extremes_are_reached_and_no_narrower_entries_would_do(storage, weight_bits, banks):
    shape = TableShape(storage, 9, weight_bits, banks)
    rows = shape.rows_of_groups[0]
    values = []
    for signs in itertools.product(limits(weight_bits, True), repeat=len(rows)):
        weights = np.zeros((shape.rows, 1), dtype=int)
        weights[rows, 0] = signs
        values.append(table_entries(shape, weights)[0])
    values = np.array(values)
    assert (values.min(), values.max()) == shape.extremes
    assert fits(values, shape.sum_width)
    assert shape.sum_width == 2 or not fits(values, shape.sum_width - 1)


@settings(max_examples=60, deadline=None)
@given(operations())
def test_every_sum_fits_its_adder(operation):
    shape, weights, plane = operation
    levels = levels_of(shape)
    assert len(levels) == shape.levels + 1 or shape.levels == 0
    for level, nodes in zip(table_levels(shape, weights, plane), levels):
        assert len(level) == len(nodes)
        for (value, carries), node in zip(level, nodes):
            assert len(carries) == len(node.carries)
            assert node.low <= value.min() and value.max() <= node.high
            assert fits([node.low, node.high], len(node.value))


def levels_of(shape):
    """What the gateware has behind the tables of a column and behind each level, as `adder_levels.Node`."""
    columns = TableColumns(config=config_of(shape), shape=shape, columns=1)
    levels = []

    def record(m, platform, delays, name, nodes):
        results = sum_level(m, platform, delays, name, nodes)
        levels.extend([nodes[0], results[0]] if not levels else [results[0]])
        return results

    sum_level = table_columns.sum_level
    with mock.patch.object(table_columns, "sum_level", record):
        Fragment.get(columns, None)
    return levels


def fits(values, width):
    low, high = limits(width, True)
    return low <= np.min(values) and np.max(values) <= high


def config_of(shape, columns=1):
    return MacroConfig(rows=shape.rows, columns=columns, weight_bits=shape.weight_bits, banks=shape.banks,
                       column="table", block_ram_columns=0 if shape.is_offset else columns)


@pytest.mark.parametrize("rows, banks", [(1, 1), (4, 1), (6, 1), (7, 2), (5, 5), (3, 16)])
def test_encoder_for_every_plane(rows, banks):
    shape = TableShape("lut_ram", rows, 4, banks)
    encoder = OffsetEncoder(shape=shape)

    async def testbench(ctx):
        for plane in itertools.product((0, 1), repeat=rows):
            ctx.set(encoder.plane, to_bits(plane, 1))
            addresses, signs = table_reads(shape, np.array(plane))
            assert ctx.get(encoder.codes) == to_bits(addresses | signs << shape.address_bits, shape.group_rows)

    simulate(encoder, testbench, clocked=False)


@pytest.mark.parametrize("width, depth", [(1, 1), (5, 16), (36, 64)])
def test_lut_ram_reads_in_the_same_cycle(width, depth):
    ram, rng, cells = LutRam(width=width, depth=depth), random.Random(1), {}

    async def testbench(ctx):
        for _ in range(300):
            write, target, value = rng.randrange(2), rng.randrange(depth), rng.getrandbits(width)
            address = rng.randrange(depth)
            ctx.set(ram.write, write)
            ctx.set(ram.write_address, target)
            ctx.set(ram.write_data, value)
            ctx.set(ram.address, address)
            assert ctx.get(ram.data) == cells.get(address, 0)
            await ctx.tick()
            if write:
                cells[target] = value

    simulate(ram, testbench)


def test_bytes_of_a_word_are_written_each_by_itself():
    ram, rng, cells = ByteRam(width=32, depth=20), random.Random(3), {}

    async def testbench(ctx):
        ctx.set(ram.enable, 1)
        for _ in range(400):
            target, write, value = rng.randrange(20), rng.getrandbits(4), rng.getrandbits(32)
            ctx.set(ram.write, write)
            ctx.set(ram.write_address, target)
            ctx.set(ram.write_data, value)
            await ctx.tick()
            mask = sum(0xff << 8 * byte for byte in range(4) if write >> byte & 1)
            cells[target] = cells.get(target, 0) & ~mask | value & mask
            address = rng.choice([word for word in range(20) if word != target])
            ctx.set(ram.write, 0)
            ctx.set(ram.address, address)
            await ctx.tick().repeat(2)
            assert ctx.get(ram.data) == cells.get(address, 0)

    simulate(ram, testbench)


@pytest.mark.parametrize("width, depth", [(1, 2), (9, 512), (40, 700)])
def test_block_ram_reads_after_two_moves(width, depth):
    ram, rng, cells = BlockRam(width=width, depth=depth), random.Random(1), {}
    words = list({*range(min(depth, 20)), depth - 1})

    async def testbench(ctx):
        reads = [0, 0]
        for _ in range(600):
            write, target, value = rng.randrange(2), rng.choice(words), rng.getrandbits(width)
            # What is read while it is written is undefined.
            address = rng.choice([word for word in words if not (write and word == target)])
            enable = rng.random() < 0.7
            ctx.set(ram.write, write)
            ctx.set(ram.write_address, target)
            ctx.set(ram.write_data, value)
            ctx.set(ram.address, address)
            ctx.set(ram.enable, enable)
            await ctx.tick()
            if enable:
                reads = [reads[1], cells.get(address, 0)]
            if write:
                cells[target] = value
            assert ctx.get(ram.data) == reads[0]

    simulate(ram, testbench)
