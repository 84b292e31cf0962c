"""The engine in numpy: runs, and their cycles."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.cycles import MacroCycles
from bitline.golden.engine.cycles import EngineCycles
from bitline.golden.engine.descriptor import Descriptor, Flags
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import Load
from bitline.golden.engine.loader import Loader
from bitline.golden.engine.sources import Feeder, Gather, row_cycles
from bitline.golden.engine.streams import Streams
from bitline.golden.engine.tile_rows import WeightPort
from bitline.host.engine.compiler import compile_network
from engine_images import CONV, DEPTHWISE, POOL, changed, number_of, small
from engine_networks import DEFAULT, PAIR, SMALL, Builder, mobile_network


@pytest.fixture(scope="module")
def image():
    return small().image


def test_two_macros_with_a_vector_each_take_half_the_sets():
    build = Builder(np.random.default_rng(7), (1, 8, 16, 16))
    build.conv(16)
    single, pair = (compile_network(config, build.network()) for config in (DEFAULT, PAIR))
    assert pair.program[0].together == 2 and single.program[0].together == 1
    assert pair.program[0].vectors * len(pair.program[0].parts) < single.program[0].vectors * len(
        single.program[0].parts)
    assert pair.total_cycles < single.total_cycles


def test_vectors_of_a_set_are_gathered_together():
    """Both vectors of a set are seen by eight reads, and take their planes at the same time."""
    descriptor = Descriptor(operation=CONV, channels=16, outputs=16, depth=64, tall=1, wide=1, source_pixel=64,
                            target_height=1, target_width=400, block_height=1, block_width=1, part_rows=64, strip=200,
                            split=2, step_x=1)
    config = replace(PAIR, macro=replace(PAIR.macro, columns=16))
    cycles = []
    for planes in ([4, 8], [8, 8], [4, 4]):
        clock = EngineCycles(config, [Load(0, 64)])
        start = clock.start()
        clock.convolution(descriptor, [[planes] * 200])
        cycles.append(clock.cycle - start)
    assert 0 <= cycles[1] - cycles[0] <= 8 and 1600 < cycles[2] < cycles[1] < 1800


@pytest.mark.parametrize("fields", [{}, {"source_pixel": 9}, {"split": 2, "step_x": 2}])
def test_reads_of_a_window_are_those_of_its_runs(fields):
    descriptor = Descriptor(**{"operation": CONV, "depth": 8, "tall": 3, "wide": 5, "source_pixel": 8, **fields})
    assert descriptor.reads_of_window(16) == descriptor.chunks(0, descriptor.rows, 16)


@pytest.mark.parametrize("adds, order", [(False, [0, 1, 0, 1]), (True, [0, 0, 1, 1, 0, 0, 1, 1])])
def test_lanes_serve_macros_in_turn(adds, order):
    """A slot with a residual takes two cycles, which follow one another."""
    streams = Streams(EngineCycles(PAIR, []), [([[8]], 4, 4, adds)], Gather([4]), 1)
    arrays, served = streams._arrays, []
    for array in arrays:
        array.slots, array.adds = 2 * (1 + adds), adds
    for _ in order:
        before = arrays[0].slots
        assert streams._use_lanes() == (True, adds and len(served) % 2 == 0)
        served.append(0 if arrays[0].slots < before else 1)
    assert served == order and streams._use_lanes() == (False, False)


# Runs.


def test_windows_are_laid_out_in_strips(image, monkeypatch):
    x = np.random.default_rng(55).integers(-128, 128, 256).astype(np.int8)
    whole = Engine(SMALL, image).run(x)
    monkeypatch.setattr("bitline.golden.engine.executor.AT_ONCE", 100)
    strips = Engine(SMALL, image).run(x)
    assert [(step.crc, step.end) for step in strips.steps] == [(step.crc, step.end) for step in whole.steps]


def test_large_windows_take_little_memory(image):
    number = number_of(image, POOL, Flags.MAXIMUM)
    engine = Engine(SMALL, changed(image, number, tall=256, wide=128))
    tracemalloc.start()
    # Without the cycles, which take longer.
    assert engine._pooled(engine.image.program[number]).shape == (16, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 25


def test_runs_do_not_depend_on_those_before(image):
    x = np.random.default_rng(5).integers(-128, 128, (2, 256)).astype(np.int8)
    engine = Engine(SMALL, image)
    runs = [engine.run(x[index]) for index in (0, 1, 0)]
    assert np.array_equal(runs[0].output, runs[2].output)
    # What no descriptor has written yet is of the run before, but for a reset.
    engine.reset()
    assert [step.crc for step in runs[0].steps] == [step.crc for step in engine.run(x[0]).steps]
    assert runs[0].cycles == runs[2].cycles and not np.array_equal(runs[0].output, runs[1].output)
    assert runs[0].argmax == int(np.argmax(runs[0].output))


def test_steps_follow_one_another(image):
    run = Engine(SMALL, image).run(bytes(256))
    assert all(before.end + 7 <= after.start for before, after in zip(run.steps, run.steps[1:]))
    assert run.steps[0].start == 31 and run.cycles == run.steps[-1].end


def test_counters_are_those_of_the_layer():
    build = Builder(np.random.default_rng(42), (1, 5, 6, 16))
    first = build.conv(16)
    build.add(first, build.conv(16, (1, 1)))
    engine = Engine(DEFAULT, compile_network(DEFAULT, build.network()).image)
    steps = list(engine.steps(all_planes=True))
    for step, adds in zip(steps, (False, True)):
        descriptor = engine.image.program[step.number]
        slots = descriptor.vectors * descriptor.block_height * descriptor.block_width
        parts = descriptor.parts
        chunks = sum(descriptor.chunks(*part, 16) for part in parts) * descriptor.vectors
        assert step.counts["lanes"] == slots * (len(parts) + adds)
        assert step.counts["reads"] == chunks + adds * slots
        # Calibration planes come before the first vector after a load.
        assert 0 <= step.counts["planes"] - 8 * len(parts) * descriptor.vectors <= len(parts)
    assert sum(step.counts["rows"] for step in steps) <= sum(load.rows for load in engine.image.loads)


def test_no_plane_skipped_is_what_the_image_says(image):
    engine = Engine(SMALL, image)
    steps = list(engine.steps(all_planes=True))
    assert steps[-1].end == engine.image.cycles
    # The greatest inputs still leave planes of later layers out.
    assert engine.run(np.full(256, -128, np.int8)).cycles <= engine.image.cycles


# Blocks of the cycle model.


def offered(loader, cycles, taken=True):
    """What a loader offers in each of some cycles in which it offers something."""
    found = []
    for cycle in cycles:
        write = loader.offer(cycle)
        if write:
            found.append((cycle, write))
        loader.step(cycle, write is not None and taken)
    return found


def test_loader_writes_rows_one_a_cycle_and_waits_for_its_bank():
    loader = Loader(DEFAULT, [Load(0, 2), Load(2, 2), Load(0, 2, True), Load(4, 1)])
    assert offered(loader, range(12)) == [(3, (0, 0)), (4, (0, 1)), (8, (1, 0)), (9, (1, 1))] and loader.written == 2
    loader.released = 1
    assert offered(loader, [12]) == [] and loader.written == 3
    loader.released = 2
    loader.rows.ask_taps(14, 1)
    assert offered(loader, range(13, 20), taken=False) == [(cycle, (1, 0)) for cycle in (17, 18, 19)]


def test_no_row_is_offered_while_taps_are_read():
    loader = Loader(DEFAULT, [Load(0, 3)])
    loader.rows.ask_taps(2, 5)
    assert offered(loader, range(20)) == [(9, (0, 0)), (10, (0, 1)), (11, (0, 2))]
    assert [loader.rows.has_taps(cycle) for cycle in (8, 9)] == [False, True]


def test_rows_from_outside_come_at_the_rate_of_the_port():
    loader = Loader(replace(DEFAULT, weight_port=16), [Load(0, 2), Load(0, 2, True), Load(2, 1)])
    assert offered(loader, range(30)) == [(10, (0, 0)), (14, (0, 1))]
    # The third load was there before its bank was free.
    loader.released = 1
    assert offered(loader, range(30, 40)) == [(33, (0, 0))]


def test_as_many_rows_come_as_the_tile_memory_has_room_for():
    loader = Loader(replace(DEFAULT, weight_port=64, tile_rows=16), [Load(0, 40)])
    assert offered(loader, range(100), taken=False)[0] == (7, (0, 0))
    # 16 rows are there; the next is requested when the first is taken, and so on.
    assert [cycle for cycle, _ in offered(loader, range(100, 140))] == [*range(100, 116), *range(116, 140)]


def test_rows_of_taps_are_requested_first():
    rows = WeightPort(replace(DEFAULT, weight_port=4), [Load(0, 40)])
    there = []
    for cycle in range(300):
        if cycle == 50:
            rows.ask_taps(cycle, 2)
        if cycle > 50 and rows.has_taps(cycle):
            there.append(cycle)
        rows.step(cycle, False)
    # Behind eleven rows of tiles that were requested before, of 16 cycles each, of which the first began in cycle 3.
    assert there[0] == 3 + (11 + 2) * 16 + 1


@pytest.mark.parametrize("channels, across, step, cycles", [
    (64, 5, 1, 40), (8, 6, 1, 6), (64, 5, 2, 44), (20, 4, 1, 12)])
def test_rows_of_the_depthwise_unit(channels, across, step, cycles):
    descriptor = Descriptor(operation=DEPTHWISE, channels=channels, depth=channels, target_height=2,
                            target_width=across, step_x=step, step_y=1, tall=3, wide=3,
                            source_width=11 if step == 2 else across, source_height=9)
    assert row_cycles(descriptor, DEFAULT)[0] == cycles
    feeder, taken = Feeder(descriptor, DEFAULT, 10), 0
    for cycle in range(300):
        taken = sum(ready <= cycle for ready in feeder.ready)
        feeder.step(cycle, taken, False)
    assert len(feeder.ready) == 2 * across
    # The first position of the second row begins with it.
    position = -(-channels // 8)
    assert feeder.ready[across] - feeder.ready[0] == cycles and feeder.ready[0] == 10 + position - 1 + 10 + 16


def test_vectors_that_wait_hold_the_depthwise_unit():
    descriptor = Descriptor(operation=DEPTHWISE, channels=8, depth=8, target_height=1, target_width=20, step_x=1,
                            step_y=1, tall=3, wide=3, source_width=20, source_height=3)
    feeder = Feeder(descriptor, DEFAULT, 0)
    for cycle in range(100):
        feeder.step(cycle, 0, False)
    assert len(feeder.ready) == 8


def test_a_convolution_takes_the_planes_of_its_vectors():
    """With one tile and long vectors nothing but the array limits."""
    descriptor = Descriptor(operation=CONV, channels=64, outputs=64, depth=64, tall=1, wide=1, source_pixel=64,
                            target_height=1, target_width=50, block_height=1, block_width=1, part_rows=64, strip=50)
    cycles = []
    for planes in (7, 8):
        clock = EngineCycles(DEFAULT, [Load(0, 64)])
        start = clock.start()
        clock.convolution(descriptor, [[[planes]] * 50])
        cycles.append(clock.cycle - start)
    assert cycles[1] - cycles[0] == 50


def test_the_macro_alone_agrees_where_nothing_else_limits():
    """Vectors of a tile that is loaded go through as through a macro whose results are taken at once."""
    macro, planes = DEFAULT.macro, [5, 8, 4, 7, 6, 8, 8, 5] * 4
    alone, taken, cycle, accepted, first = MacroCycles(macro), 0, 0, 0, None
    while taken < len(planes):
        taken += alone.o_valid
        vector = (planes[accepted], 0) if accepted < len(planes) else None
        if alone.step(vector, (0, 0), False, True)[0] and vector:
            first = cycle if first is None else first
            accepted += 1
        cycle += 1
    descriptor = Descriptor(operation=CONV, channels=64, outputs=64, depth=64, tall=1, wide=1, source_pixel=64,
                            target_height=1, target_width=32, block_height=1, block_width=1, part_rows=64, strip=32)
    clock = EngineCycles(DEFAULT, [Load(0, 64)])
    clock._advance(400)
    clock._fetched, clock._starts = [0], []
    clock.convolution(descriptor, [[[each] for each in planes]])
    # Gathered in 4 cycles and 7 of latency before; the register, its four slots and the lanes behind.
    assert clock.cycle - 400 == cycle - first + (3 + 7) + 4 + 16


def test_mobile_network_runs():
    compiled = compile_network(SMALL, mobile_network(np.random.default_rng(6)))
    assert Engine(SMALL, compiled.image).run(np.zeros(24 * 24 * 3, np.int8)).cycles > 1000
