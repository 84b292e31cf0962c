"""Engines with weights from a memory outside, on Verilog: as the golden executor, also where that memory is slow."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Operation
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import EngineError, Fault, Load
from bitline.hdl.axi.bursts import PATIENCE
from bitline.hdl.config.engine import default_engine
from bitline.host.engine.compiler import compile_network
from bitline.host.network.files.load import load_network
from bitline.verif.engine.drawn_cases import cases_of
from bitline.verif.engine.drawn_runs import play
from bitline.verif.engine.small_engines import OUTSIDE
from bitline.verif.engine.verilog_runs import Job, Outside, compiled, run_jobs, run_verilog
from engine_networks import Builder, mobile_v1
from places import NETWORKS, ROOT

BUILD = ROOT / "build" / "sim"
MOST = 60_000
# By how much a slow memory makes runs of networks longer at most, as docs/engine.md has it.
SLOWER = 1.12
CONFIG, IDEAL = OUTSIDE[4], Outside()


def network():
    """Convolutions of several tiles and strips, and two depthwise layers, one of which feeds a convolution."""
    build = Builder(np.random.default_rng(1), (1, 9, 8, 4))
    build.conv(8, (3, 3), (2, 2))
    build.depthwise()
    build.conv(8, (1, 1))
    build.conv(16, (2, 2))
    build.depthwise()
    build.flat()
    build.dense(5)
    return build.network()


@cache
def case_of(config):
    """The image of the network for an engine, the memory before a run, and its golden run."""
    engine = Engine(config, compile_network(config, network()).image)
    x = np.random.default_rng(2).integers(-128, 128, engine.input_bytes).astype(np.int8)
    engine.load(x)
    return engine.image, engine.memory.copy(), engine.run(x)


def job_of(config=CONFIG, outside=IDEAL, runs=1):
    """A job of the network on an engine, each run on the same memory."""
    image, before, _ = case_of(config)
    return Job(image, [before] * runs, MOST, outside=outside)


def runs_of(config, *jobs):
    """Of each job its runs."""
    return run_jobs(compiled(config, BUILD), config, jobs)


@pytest.fixture(scope="module")
def golden():
    return case_of(CONFIG)[2]


@pytest.mark.parametrize("config", [
    CONFIG, *(pytest.param(OUTSIDE[port], marks=pytest.mark.slow) for port in (1, 64))],
    ids=lambda config: config.weight_port)
def test_an_ideal_memory_takes_the_golden_cycles(config):
    job, expected = job_of(config, runs=2), case_of(config)[2]
    # Where words have no more channels than a pixel one layer feeds another.
    kinds = {each.feeds for each in job.image.program if each.operation == Operation.DEPTHWISE}
    assert kinds == ({False, True} if config.lanes == 8 else {False})
    ((first, again),) = runs_of(config, job)
    assert [first.difference(expected), again.difference(expected)] == [None, None]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NETWORKS, "mobile"])
def test_networks(published, name):
    """MobileNet at 96 x 96, and published ones, on the default macro: in golden cycles, and with a slow memory."""
    config = replace(default_engine(), weight_port=16, tile_rows=512)
    network = mobile_v1() if name == "mobile" else load_network(published(name)[0])
    image = compile_network(config, network).image
    x = np.random.default_rng(1).integers(-128, 128, Engine(config, image).input_bytes).astype(np.int8)
    for outside in (IDEAL, Outside(latency=100, stalls=100)):
        ((expected, run),) = run_verilog(config, image, [x], folder=BUILD, outside=outside)
        assert run.difference(expected, has_cycles=outside == IDEAL) is None
        assert run.ends[-1] < expected.cycles * SLOWER


@pytest.mark.parametrize("latency, stalls", [(2, 0), (100, 0), (1, 100), (20, 500), (100, 900)])
def test_a_slow_memory_costs_cycles_and_nothing_else(latency, stalls, golden):
    job = job_of(outside=Outside(latency=latency, stalls=stalls), runs=2)
    for run in runs_of(CONFIG, job)[0]:
        assert run.difference(golden, has_cycles=False) is None and run.ends[-1] > golden.cycles


def test_latency_is_hidden_by_requests_ahead(golden):
    """Of 100 cycles most are those of the first row and of taps: none are those of each tile."""
    ((run,),) = runs_of(CONFIG, job_of(outside=Outside(latency=100)))
    loads = sum(not load.keeps for load in job_of().image.loads)
    assert loads > 20 and run.ends[-1] - golden.cycles < 8 * 100


def first_uses(image):
    """Of each row that a run needs the number of the first descriptor that does."""
    uses = {}
    for number, each in enumerate(image.program):
        if each.operation == Operation.DEPTHWISE:
            found = range(each.weights, each.weights + CONFIG.tap_rows * -(-each.channels // CONFIG.depthwise))
        elif each.operation == Operation.CONV:
            loads = image.loads[each.weights:each.weights + each.tiles]
            found = (row for load in loads for row in range(load.first, load.first + load.rows))
        else:
            found = ()
        for row in found:
            uses.setdefault(row, number)
    return uses


def check_fault(run, fault, number, golden):
    """A run ends with a fault of a descriptor, and until then was the golden one but for cycles."""
    assert (run.fault, run.fault_number, run.is_complete) == (fault, number, True)
    done = [step for step in golden.steps if step.number < number]
    assert len(run.ends) == len(done) and run.difference_of_steps(done, has_cycles=False) is None


@pytest.mark.parametrize("latency", [1, 100])
def test_a_row_that_is_an_error_ends_the_run_of_the_first_that_needs_it(latency, golden):
    job = job_of()
    uses = first_uses(job.image)
    rows = [row for row in uses if row % 7 == 0 or job.image.program[uses[row]].operation == Operation.DEPTHWISE]
    jobs = [each for row in rows for each in (job_of(outside=Outside(latency=latency, wrong=row)), job)]
    found = runs_of(CONFIG, *jobs)
    assert len(rows) > 20
    for row, (wrong,), (right,) in zip(rows, found[::2], found[1::2], strict=True):
        check_fault(wrong, Fault.WEIGHTS, uses[row], golden)
        assert right.difference(golden, has_cycles=False) is None


@pytest.mark.parametrize("number", [0, 9, 100, 150])
def test_a_memory_that_does_not_answer_ends_the_run(number, golden):
    """What it answers after all, in the next run, is not taken for an answer of that."""
    job = job_of(outside=Outside(silent=number), runs=2)
    wrong, right = runs_of(CONFIG, replace(job, most=MOST + PATIENCE))[0]
    check_fault(wrong, Fault.WEIGHTS, wrong.fault_number, golden)
    assert right.difference(golden, has_cycles=False) is None


@pytest.mark.parametrize("silent", [2, 3])
def test_what_a_memory_answers_after_several_silent_runs_is_thrown_away(silent, golden):
    """Two tags are used in turn: of neither there are answers to come when it is used again."""
    *wrong, right = runs_of(CONFIG, replace(job_of(outside=Outside(silent=9), runs=silent + 1),
                                            most=MOST + 4 * PATIENCE))[0]
    for run in wrong:
        check_fault(run, Fault.WEIGHTS, run.fault_number, golden)
    assert len(wrong) == silent and right.difference(golden, has_cycles=False) is None


def test_a_memory_that_takes_no_request_ends_the_run(golden):
    job = job_of()
    (wrong,), (right,) = runs_of(CONFIG, replace(job, outside=Outside(stalls=1024), most=MOST + PATIENCE), job)
    check_fault(wrong, Fault.WEIGHTS, 0, golden)
    assert right.difference(golden, has_cycles=False) is None


def test_rows_that_the_memory_has_not_are_not_requested(golden):
    """By the golden rule the first descriptor that needs one has the fault; the memory tells if one is requested."""
    job = job_of()
    uses = first_uses(job.image)
    taps = [each.weights + 1 for each in job.image.program if each.operation == Operation.DEPTHWISE]
    for count in (0, 1, 10, 50, *taps, len(job.image.tiles) - 1):
        image = replace(job.image, tiles=job.image.tiles[:count])
        with pytest.raises(EngineError) as error:
            Engine(CONFIG, image.to_bytes(CONFIG))
        (wrong,), (right,) = runs_of(CONFIG, replace(job, image=image), job)
        assert error.value.descriptor == min(uses[row] for row in uses if row >= count)
        check_fault(wrong, error.value.fault, error.value.descriptor, golden)
        assert right.difference(golden, has_cycles=False) is None


def test_a_load_of_rows_beyond_all_that_there_can_be(golden):
    job = job_of()
    loads = [Load((1 << 16) - 1, 2), *job.image.loads[1:]]
    (wrong,), (right,) = runs_of(CONFIG, replace(job, image=replace(job.image, loads=loads)), job)
    check_fault(wrong, Fault.TILE, 0, golden)
    assert right.difference(golden, has_cycles=False) is None


@pytest.mark.parametrize("outside", [IDEAL, Outside(latency=60, stalls=200)], ids=["ideal", "slow"])
def test_a_run_is_canceled_at_any_time(outside, golden):
    cycles = range(1, golden.cycles, 41)
    jobs = [replace(job_of(outside=outside, runs=2), cancel=cycle) for cycle in cycles]
    for canceled, again in runs_of(CONFIG, *jobs):
        assert canceled.is_complete and canceled.fault == Fault.NONE and len(canceled.ends) < len(golden.steps)
        assert again.difference(golden, has_cycles=False) is None


def test_drawn_programs():
    cases = cases_of(CONFIG, range(24))
    played = play(compiled(CONFIG, BUILD), CONFIG, cases.values())
    assert len(played) == 24 and [difference for _, difference in played if difference] == []
