# amaranth: UnusedElaboratable=no
import itertools
import random

import pytest
from amaranth.hdl import signed, unsigned
from bitline.golden.bits import from_bits, limits, to_bits
from bitline.golden.macro import MacroModel
from bitline.hdl.columns.accumulator import ShiftAccumulator
from bitline.hdl.columns.adder_tree import TREE_COMPONENTS
from bitline.hdl.columns.bitcell_array import BitcellArray
from bitline.hdl.columns.ones import OnesColumn
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.ones import OnesShape
from bitline.hdl.config.widths import ceil_log2
from bitline.hdl.fabric.emitter import Emitter
from bitline.hdl.macro.macro import Macro
from bitline.hdl.macro.wordline_drivers import WordlineDrivers
from gateware import simulate
from some import some


def check_tree(tree, cases):
    """Each case's weights and plane give their sum after the latency, one case a cycle."""
    rows, bits = tree.rows, tree.weight_bits

    async def testbench(ctx):
        expected = []
        ctx.set(tree.enable, 1)
        for weights, plane in [*cases, *[cases[0]] * tree.latency]:
            word, ones = to_bits(weights, bits), to_bits(plane, 1)
            if tree.active_low:
                word, ones = ~word & (1 << rows * bits) - 1, ~ones & (1 << rows) - 1
            ctx.set(tree.weights, word)
            ctx.set(tree.plane, ones)
            expected.append(sum(weight for weight, one in zip(weights, plane) if one))
            await ctx.tick()
            if len(expected) >= tree.latency:
                assert ctx.get(tree.sum) == expected[len(expected) - tree.latency]

    simulate(tree, testbench)


@pytest.mark.parametrize("kind", TREE_COMPONENTS)
@pytest.mark.parametrize("rows, bits", [(1, 1), (1, 3), (2, 2), (3, 1), (3, 2)])
def test_tree_for_every_weight_and_plane(kind, rows, bits):
    values = range(limits(bits, True)[0], limits(bits, True)[1] + 1)
    cases = list(itertools.product(itertools.product(values, repeat=rows), itertools.product((0, 1), repeat=rows)))
    check_tree(TREE_COMPONENTS[kind](rows=rows, weight_bits=bits), cases)


@pytest.mark.parametrize("kind", TREE_COMPONENTS)
@pytest.mark.parametrize("rows, bits", [(4, 8), (5, 3), (7, 1), (13, 5), (16, 16), (31, 2), (64, 8)])
def test_tree_for_random_and_extreme_weights(kind, rows, bits):
    rng = random.Random(1)
    low, high = limits(bits, True)
    cases = [([value] * rows, [1] * rows) for value in (low, high)]
    cases += [([rng.randint(low, high) for _ in range(rows)], [rng.randrange(2) for _ in range(rows)])
              for _ in range(40)]
    check_tree(TREE_COMPONENTS[kind](rows=rows, weight_bits=bits), cases)


@pytest.mark.parametrize("rows, bits, full, half", some([
    (64, 8, 498, 6), (16, 8, 116, 4), (256, 8, 2032, 8), (64, 4, 246, 6)], 0, 1, 3))
def test_carry_save_tree_takes_the_fewest_full_adders(rows, bits, full, half):
    emitter = Emitter("t")
    emitter.add("t_tree", TREE_COMPONENTS["carry_save"](rows=rows, weight_bits=bits))
    words = emitter.modules["t_tree"].split()
    assert words.count("\\t_full_adder") == full
    assert words.count("\\t_half_adder") == half
    # A full adder removes one bit and nothing else removes any: all products in, one sum out.
    assert full == rows * bits - (bits + ceil_log2(rows))


def test_compressor_tree_has_no_more_adders_and_one_addition():
    emitter = Emitter("t")
    emitter.add("t_tree", TREE_COMPONENTS["compressor"](rows=64, weight_bits=8))
    words = emitter.modules["t_tree"].split()
    # The chain of the smallest tree is not there, which has an adder for each bit of the sum but those of one bit.
    assert words.count("\\t_full_adder") + words.count("\\t_last_adder") < 498
    assert words.count("\\t_half_adder") == 0 and words.count("\\t_last_adder") == 1


@pytest.mark.parametrize("parameters", [
    {"rows": 1}, {"rows": 7}, {"rows": 8}, {"rows": 23, "tree": "carry_save"}, {"rows": 37, "column": "table"},
    {"rows": 29, "column": "table", "block_ram_columns": 1}, {"rows": 2, "column": "table", "banks": 16}])
def test_column_of_ones_counts_after_as_many_cycles_as_others_take(parameters):
    config = MacroConfig(columns=1, **parameters)
    ones = OnesColumn(config=config, shape=OnesShape(config.rows, config.column_latency), columns=1)
    rng, counts = random.Random(1), []
    planes = [0, (1 << config.rows) - 1] + [rng.getrandbits(config.rows) for _ in range(30)]

    async def testbench(ctx):
        ctx.set(ones.enable, 1)
        for plane in planes:
            counts.append(plane.bit_count())
            ctx.set(ones.plane, ~plane & (1 << config.rows) - 1 if config.tree == "carry_save" else plane)
            while rng.random() < 0.2:
                ctx.set(ones.enable, 0)
                await ctx.tick()
            ctx.set(ones.enable, 1)
            await ctx.tick()
            if len(counts) >= config.column_latency:
                assert ctx.get(ones.sums) == counts[len(counts) - config.column_latency]

    simulate(ones, testbench)


@pytest.mark.parametrize("shape, complemented", [(signed(4), False), (signed(4), True), (unsigned(3), False)])
@pytest.mark.parametrize("max_accumulations", [1, 3])
def test_accumulator_folds_planes_and_vectors(shape, complemented, max_accumulations):
    block = ShiftAccumulator(sum_shape=shape, width=12, total_width=14, max_accumulations=max_accumulations)
    rng = random.Random(1)
    low, high = limits(shape.width, shape.signed)
    # Of each plane: its sum, whether it counts negative, whether it is its vector's first; of the last the total.
    planes, total = [], 0
    for chain in range(60):
        is_signed, add, result = rng.randrange(2), int(max_accumulations > 1 and chain % max_accumulations > 0), 0
        for index in range(count := rng.randint(1, 5)):
            value, negative = rng.choice((low, high, rng.randint(low, high))), int(is_signed and index == 0)
            result = 2 * result + (-value if negative else value)
            planes.append((value, negative, index == 0, None, 0))
        total = result + (total if add else 0)
        planes[-1] = (value, negative, count == 1, total, add)

    async def testbench(ctx):
        none = (0, 0, 0, None, 0)
        for before, now, after in zip([none, none, *planes], [none, *planes, none], [*planes, none, none]):
            ctx.set(block.sum, ~now[0] if complemented else now[0])
            ctx.set(block.flip, after[1] ^ complemented)
            ctx.set(block.carry, after[1])
            ctx.set(block.shift, not after[2])
            if max_accumulations > 1:
                ctx.set(block.add, now[4])
            shown = ctx.get(block.total)
            ctx.set(block.enable, 0)
            await ctx.tick().repeat(rng.randrange(2) + 1)
            assert ctx.get(block.total) == shown
            ctx.set(block.enable, 1)
            ctx.set(block.load, before[3] is not None)
            await ctx.tick()
            ctx.set(block.load, 0)
            assert ctx.get(block.total) == (shown if before[3] is None else before[3])

    simulate(block, testbench)


def test_bitcell_array_holds_banks_apart():
    array = BitcellArray(rows=3, weight_bits=4, banks=2)

    async def testbench(ctx):
        for bank, row, value in [(0, 0, 1), (1, 0, 2), (0, 2, 3), (1, 1, 4)]:
            ctx.set(array.wordline, 1 << row)
            ctx.set(array.write_bank, bank)
            ctx.set(array.write_weight, value)
            await ctx.tick()
        ctx.set(array.wordline, 0)
        ctx.set(array.write_weight, 15)
        await ctx.tick()
        for bank, rows in enumerate([[1, 0, 3], [2, 4, 0]]):
            ctx.set(array.bank, bank)
            assert from_bits(ctx.get(array.weights), 4, 3, signed=False).tolist() == rows

    simulate(array, testbench)


async def load(ctx, drivers, lanes, bits, is_signed):
    """Hand a vector over; what happens at its ports afterwards must not matter."""
    ctx.set(drivers.x, list(lanes))
    ctx.set(drivers.bits, bits)
    ctx.set(drivers.is_signed, is_signed)
    ctx.set(drivers.load, 1)
    await ctx.tick()
    ctx.set(drivers.load, 0)
    ctx.set(drivers.x, [~lane & (1 << drivers.input_bits) - 1 for lane in lanes])
    ctx.set(drivers.bits, 1)
    ctx.set(drivers.is_signed, not is_signed)


@pytest.mark.parametrize("active_low", [False, True])
def test_drivers_skip_planes_that_only_repeat(active_low):
    drivers = WordlineDrivers(rows=2, input_bits=4, active_low=active_low)

    async def testbench(ctx):
        ctx.set(drivers.enable, 1)
        for is_signed, lanes, bits, top in [(0, (0, 0), 4, 0), (0, (1, 0), 4, 0), (0, (2, 1), 4, 1), (0, (8, 1), 4, 3),
                                            (0, (8, 1), 3, 0), (1, (15, 0), 4, 0), (1, (14, 1), 4, 1),
                                            (1, (7, 15), 4, 3), (1, (7, 15), 3, 0), (0, (9, 9), 0, 0)]:
            await load(ctx, drivers, lanes, bits, is_signed)
            assert ctx.get(drivers.top) == 1 << top, (is_signed, lanes, bits)
            ctx.set(drivers.dispatch, 1)
            await ctx.tick()
            ctx.set(drivers.dispatch, 0)
            for bit in (0, 1, None, 2, 3, 0):
                ctx.set(drivers.select, 0 if bit is None else 1 << bit)
                await ctx.tick()
                plane = 0 if bit is None else sum((lane >> bit & 1) << row for row, lane in enumerate(lanes))
                assert ctx.get(drivers.plane) == (~plane & 3 if active_low else plane)

    simulate(drivers, testbench)


@pytest.mark.parametrize("row", [0, 31, 32, 39])
def test_drivers_look_at_every_row(row):
    drivers = WordlineDrivers(rows=40, input_bits=3)

    async def testbench(ctx):
        for is_signed, other, value, top in [(0, 0, 4, 2), (0, 0, 2, 1), (1, 7, 4, 2), (1, 0, 6, 1), (1, 7, 7, 0)]:
            lanes = [value if index == row else other for index in range(40)]
            await load(ctx, drivers, lanes, 3, is_signed)
            assert ctx.get(drivers.top) == 1 << top

    simulate(drivers, testbench)


@pytest.mark.parametrize("kind", [
    {"tree": "carry_chain"}, {"tree": "carry_save"}, {"column": "table"}, {"column": "table", "block_ram_columns": 1},
    {"column": "table", "block_ram_columns": 2, "banks": 4}], ids=str)
def test_macro_in_amaranth_itself(kind):
    config = MacroConfig(rows=3, columns=2, weight_bits=4, input_bits=4, fuse=2, max_accumulations=2, **kind)
    macro, model, rng = Macro(config=config), MacroModel(config), random.Random(1)

    async def testbench(ctx):
        for row in range(config.rows):
            weights = [rng.randint(-8, 7) for _ in range(config.columns)]
            model.write(0, row, weights)
            ctx.set(macro.write.payload.row, row)
            ctx.set(macro.write.payload.weights, weights)
            ctx.set(macro.write.valid, 1)
            await ctx.tick().until(macro.write.ready)
        ctx.set(macro.write.valid, 0)
        ctx.set(macro.o.ready, 1)
        for index in range(12):
            lanes, is_signed, fuse = [rng.randrange(16) for _ in range(3)], rng.randrange(2), rng.randrange(2)
            accumulate = index % 2
            ctx.set(macro.i.payload, {"x": lanes, "bits": 4, "signed": is_signed, "accumulate": accumulate,
                                      "fuse": fuse})
            ctx.set(macro.i.valid, 1)
            await ctx.tick().until(macro.i.ready)
            ctx.set(macro.i.valid, 0)
            y, sum_x = await ctx.tick().sample(macro.o.payload.y, macro.o.payload.sum_x).until(macro.o.valid)
            expected = model.vector(lanes, bits=4, signed=bool(is_signed), accumulate=bool(accumulate), fuse=1 << fuse)
            lanes_word = to_bits(list(y), config.total_width)
            assert from_bits(lanes_word, config.total_width << fuse, 2 >> fuse).tolist() == expected.y.tolist()
            assert sum_x == expected.sum_x

    simulate(macro, testbench)
