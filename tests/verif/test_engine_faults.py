"""Faults on an engine's Verilog: they end the run, nothing is written beyond a target, and the engine stays usable."""

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Flags
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import EngineError, Fault, Load, read_image
from bitline.host.engine.compiler import compile_network
from bitline.verif.engine.small_engines import FORMS
from bitline.verif.engine.verilog_runs import Job, compiled, run_jobs
from engine_images import ADD, CONV, DEPTHWISE, END, POOL, changed, number_of, small
from engine_networks import SMALL, Builder
from places import ROOT

BUILD = ROOT / "build" / "sim"
# Cycles after which a run is canceled, and after which it counts as endless.
CANCEL, MOST = 20_000, 40_000
# A CONV that a DEPTHWISE feeds.
FED = "FED"


def job_of(config, data, seed=1):
    """A job of an image that runs, and its golden run."""
    engine = Engine(config, data)
    x = np.random.default_rng(seed).integers(-128, 128, engine.input_bytes).astype(np.int8)
    engine.load(x)
    before = engine.memory.copy()
    return Job(engine.image, [before], MOST), engine.run(x)


@pytest.fixture(scope="module")
def valid():
    return job_of(SMALL, small().image)


def runs_of(config, *jobs):
    """The only run of each job."""
    return [run for (run,) in run_jobs(compiled(config, BUILD), config, jobs)]


@pytest.mark.parametrize("operation, fields", [
    (CONV, {"operation": 5}), (CONV, {"flags": 64}), (END, {"depth": 0}),
    (CONV, {"rounding": 3}), (CONV, {"tall": 0}), (CONV, {"strip": 0}), (CONV, {"low": 5, "high": 4}),
    (ADD, {"term_shift": 1}), (ADD, {"sum_low": 1, "sum_high": 0}), (POOL, {"flags": Flags.SUMS}),
    # Of each that reads or writes: an address beyond its limit, and a limit beyond the memory.
    (CONV, {"source_limit": 200}), (CONV, {"source_height": 9}), (CONV, {"source_limit": 1 << 31}),
    (CONV, {"target_limit": 1}), (CONV, {"target": 32760}),
    (DEPTHWISE, {"source_limit": 200}), (DEPTHWISE, {"source_height": 20}), (DEPTHWISE, {"source_pitch": 8 * 1001}),
    (POOL, {"source_pitch": 9000}), (ADD, {"source_pitch": 9000}), (ADD, {"source_width": 3}),
    (ADD, {"residual": 40000}), (ADD, {"residual_pitch": 9000}), (END, {"source_limit": 2}), (END, {"source": 1 << 31}),
    (CONV, {"outputs": 12}), (CONV, {"block_width": 200}), (CONV, {"part_rows": 25}), (CONV, {"weights": 7}),
    (CONV, {"strip": 65535, "part_rows": 12}), (CONV, {"parameters": 65535}), (POOL, {"sum_slot": 999}),
    (DEPTHWISE, {"wide": 4}), (DEPTHWISE, {"step_x": 3}), (DEPTHWISE, {"weights": 65535}),
    (DEPTHWISE, {"source_pitch": 128}), (DEPTHWISE, {"channels": 8}), (POOL, {"left": -1, "flags": 0}),
    # Windows that see nothing of the source, each side; more than the gateware counts.
    (DEPTHWISE, {"left": 1}), (DEPTHWISE, {"left": 40}), (DEPTHWISE, {"left": -3}), (DEPTHWISE, {"top": 1}),
    (DEPTHWISE, {"top": -3}), (CONV, {"wide": 40000}), (CONV, {"left": -32768}), (CONV, {"source_width": 65535}),
    (CONV, {"flags": Flags.SUMS, "channels": 136}),
    # What is fed by another one: its image, and where it goes.
    (FED, {"target_height": 4, "target_width": 16, "target_pitch": 128}), (FED, {"target": 1088}),
    (FED, {"target_limit": 1600}),
], ids=str)
def test_faults_are_the_golden_ones(operation, fields, valid):
    job, expected = valid
    number = (number_of(small().image, DEPTHWISE, Flags.FEEDS) + 1 if operation == FED else
              number_of(small().image, operation))
    data = changed(small().image, number, **fields)
    with pytest.raises(EngineError) as error:
        Engine(SMALL, data)
    wrong, right = runs_of(SMALL, Job(read_image(SMALL, data), job.memories, MOST), job)
    assert (wrong.fault, wrong.fault_number) == (error.value.fault, error.value.descriptor) and wrong.is_complete
    assert right.difference(expected) is None


@pytest.mark.parametrize("left", [8192, 32766, 32767])
def test_windows_far_right_of_their_source_see_nothing(left):
    data = changed(small().image, number_of(small().image, CONV, Flags.RESIDUAL), left=left)
    job, expected = job_of(SMALL, data)
    (run,) = runs_of(SMALL, job)
    assert run.difference(expected) is None


@pytest.mark.parametrize("fields", [{"left": 32767}, {"left": 128}, {"left": 255}, {"step_x": 255}], ids=str)
def test_deep_pixels_at_the_greatest_distances(fields):
    """A kilobyte each: the distance in bytes has as many bits as there are."""
    build = Builder(np.random.default_rng(0), (1, 2, 1 if "step_x" in fields else 4, 1024))
    build.conv(8, (1, 1))
    build.flat()
    build.dense(4)
    data = compile_network(SMALL, build.network()).image
    job, expected = job_of(SMALL, changed(data, 0, **fields))
    (run,) = runs_of(SMALL, job)
    assert run.difference(expected) is None


def test_a_residual_beyond_its_limit(valid):
    number = number_of(small().image, CONV, Flags.RESIDUAL)
    for fields in ({"residual_limit": 1}, {"residual_pitch": 9000, "residual": 16384, "residual_limit": 20000}):
        image = read_image(SMALL, changed(small().image, number, **fields))
        wrong, right = runs_of(SMALL, Job(image, valid[0].memories, MOST), valid[0])
        assert (wrong.fault, wrong.fault_number) == (Fault.RESIDUAL, number)
        assert right.difference(valid[1]) is None


@pytest.mark.parametrize("change, number", [
    (lambda image: image.loads.clear(), 0), (lambda image: image.loads.__setitem__(0, Load(0, 0)), 0),
    (lambda image: image.loads.__setitem__(0, Load(4600, 24)), 0),
    (lambda image: image.loads.__setitem__(0, Load(0, 25)), 0), (lambda image: image.loads.pop(), 7)])
def test_loads_that_there_are_not(change, number, valid):
    image = read_image(SMALL, small().image)
    change(image)
    wrong, right = runs_of(SMALL, Job(image, valid[0].memories, MOST), valid[0])
    assert (wrong.fault, wrong.fault_number, wrong.is_complete) == (Fault.TILE, number, True)
    assert right.difference(valid[1]) is None


@pytest.mark.slow
def test_program_without_an_end():
    config = FORMS["tiny"]
    build = Builder(np.random.default_rng(4), (1, 4, 4, 3))
    build.conv(4)
    data = compile_network(config, build.network()).image
    image, (job, expected) = read_image(config, data), job_of(config, data)
    first = image.program[0]
    assert first.operation == CONV
    image.program[:] = [first._replace(weights=first.tiles * number) for number in range(config.program_length)]
    image.loads[:] = image.loads[:first.tiles] * config.program_length
    wrong, right = runs_of(config, Job(image, job.memories, MOST), job)
    assert (wrong.fault, wrong.fault_number) == (Fault.IMAGE, config.program_length)
    assert right.difference(expected) is None


def test_a_run_is_canceled_at_any_time(valid):
    """Also in neighboring cycles of each descriptor, in which it does one thing and another."""
    job, expected = valid
    middles = [(step.start + step.end) // 2 for step in expected.steps]
    cycles = sorted({*range(1, expected.cycles, 61), *(cycle + more for cycle in middles for more in range(3))})
    jobs = [Job(job.image, job.memories * 2, MOST, cycle) for cycle in cycles]
    for canceled, again in run_jobs(compiled(SMALL, BUILD), SMALL, jobs):
        assert canceled.is_complete and canceled.fault == Fault.NONE and len(canceled.ends) < len(expected.steps)
        assert again.difference(expected) is None
