"""Faults on an engine's Verilog: they end the run, nothing is written beyond a target, and the engine stays usable."""

import numpy as np
import pytest
from bitline.golden.engine.descriptor import FIELDS, RANGES, Flags
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import EngineError, Fault, Load, read_image
from bitline.host.engine.compiler import compile_network
from bitline.host.network.network import NetworkError
from bitline.verif.engine.verilog_runs import Job, compiled, run_jobs
from engine_images import ADD, CONV, DEPTHWISE, END, POOL, changed, number_of, small
from engine_networks import SMALL, Builder
from engine_rules import Broken
from engine_runs import CONFIGS, drawn
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
    config = CONFIGS["tiny"]
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
    job, expected = valid
    cycles = range(1, expected.cycles, 61)
    jobs = [Job(job.image, job.memories * 2, MOST, cycle) for cycle in cycles]
    for canceled, again in run_jobs(compiled(SMALL, BUILD), SMALL, jobs):
        assert canceled.is_complete and canceled.fault == Fault.NONE and len(canceled.ends) < len(expected.steps)
        assert again.difference(expected) is None


def hostile(rng, config, image):
    """An image with a few fields of which the values are others."""
    for _ in range(int(rng.integers(1, 4))):
        number = int(rng.integers(len(image.program)))
        name = FIELDS[int(rng.integers(len(FIELDS)))][0]
        low, high = RANGES[name]
        near = getattr(image.program[number], name) + int(rng.integers(-3, 4))
        value = int(rng.choice([low, high, near, near, near, int(rng.integers(low, high + 1)), 0, 1]))
        image.program[number] = image.program[number]._replace(**{name: min(max(value, low), high)})
    return image.to_bytes(config)


def check_fault(config, image, run, valid, program):
    """The fault of a run is of a rule that is broken; what ended before is as in the run of the valid image."""
    rules = Broken(config, image)
    rules.run()
    is_sure = any(each for *_, each in rules.found)
    assert run.fault or not is_sure
    if run.fault:
        assert (run.fault, run.fault_number) in [(fault, number) for fault, number, _ in rules.found]
    same = next(number for number, pair in enumerate(zip(image.program, program)) if pair[0] != pair[1])
    for index, step in enumerate(valid.steps):
        if step.number < min(same, run.fault_number if run.fault else same):
            assert (run.memories[index] == step.memory).all()
    if run.fault:
        ended = [number for number, each in enumerate(image.program[:run.fault_number]) if not each.feeds]
        # The last bytes of one are compared when it has ended.
        assert len(run.ends) - len(ended) in ((0, 1) if run.fault in (Fault.TARGET, Fault.RESIDUAL) else (0,))


def check_hostile(config, seeds):
    """Hostile images run as the golden executor does, or end, and write only to their targets; how many do which.

    A rule that gateware has ends the run, with its fault and number, unless one of the same or an earlier descriptor
    does, which is broken too; until then descriptors that nobody changed do what they did before.
    """
    counts, jobs, expected, is_after = {"runs": 0, "faults": 0, "unseen": 0}, [], [], False
    for seed in seeds:
        rng = np.random.default_rng(seed)
        try:
            data = compile_network(config, drawn(np.random.default_rng(seed % 60))).image
        except NetworkError:
            continue
        job, run = job_of(config, data, seed)
        image = read_image(config, hostile(rng, config, read_image(config, data)))
        try:
            pair = job_of(config, image.to_bytes(config), seed)
        except EngineError:
            pair = Job(image, job.memories, MOST, CANCEL), (run, read_image(config, data).program)
        jobs.append(pair[0])
        expected.append(pair[1])
        if seed % 8 == 0:
            jobs.append(job)
            expected.append(run)
    runs = run_jobs(compiled(config, BUILD), config, jobs)
    for job, golden, found in zip(jobs, expected, runs, strict=True):
        (run,) = found
        if not isinstance(golden, tuple):
            # After a fault the first row may wait for tables that no vector has waited for.
            assert run.difference(golden, has_cycles=not is_after) is None
            is_after = False
            counts["runs"] += 1
            continue
        is_after = True
        assert run.is_complete
        targets = np.zeros(config.activation_bytes, bool)
        for each in job.image.program:
            targets[each.target:min(each.target_limit, config.activation_bytes)] = True
        assert (run.memory == job.memories[0])[~targets].all()
        check_fault(config, job.image, run, *golden)
        counts["faults" if run.fault else "unseen"] += 1
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_hostile_images(name):
    counts = check_hostile(CONFIGS[name], range(250))
    assert counts["faults"] > 50 and counts["runs"] > 20 and counts["unseen"] < counts["faults"]
