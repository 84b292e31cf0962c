"""The Verilog of engines against the golden executor: memory and cycles of each descriptor."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Operation
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import Fault, Load, read_image
from bitline.hdl.config.engine import default_engine
from bitline.hdl.emit import emit
from bitline.host.engine.compiler import compile_network
from bitline.host.network.files.load import load_network
from bitline.host.network.network import NetworkError
from bitline.scripts.integration.cell_models import cell_models
from bitline.verif.engine.small_engines import DEPTHWISE, FORMS
from bitline.verif.engine.verilog_runs import Job, compiled, run_jobs, run_verilog
from bitline.verif.sim.simulators import SimulatorError
from engine_images import small, various_network
from engine_networks import SMALL, Builder, inputs_of, streaming_network
from engine_runs import drawn
from places import NETWORKS, ROOT

BUILD = ROOT / "build" / "sim"
# Of overlapping windows every so many: all 1,176 take nine minutes.
STEPS = {"anomaly_detection": 20}


def check(config, image, inputs, **settings):
    """The golden runs of an image, which are those of the Verilog."""
    runs = run_verilog(config, image, inputs, folder=BUILD, **settings)
    assert [verilog.difference(golden) for golden, verilog in runs] == [None] * len(inputs)
    return [golden for golden, _ in runs]


def test_every_operation_run_after_run():
    rng, image = np.random.default_rng(1), small().image
    inputs = list(rng.integers(-128, 128, (3, Engine(SMALL, image).input_bytes)).astype(np.int8))
    first, second, third, again = check(SMALL, image, [*inputs, inputs[0]])
    assert (first.output == again.output).all() and (second.output != third.output).any()


@pytest.mark.slow
def test_cells_of_ecp5():
    """Its block RAMs, of which bytes are written or rows share words, and multipliers, as models; run after run."""
    config = replace(SMALL, macro=replace(SMALL.macro, columns=24), tile_rows=1500)
    image = read_image(config, compile_network(config, various_network()).image)
    # In front of, across and behind the first 1,024 rows, behind which the memory has other cells.
    first = 1024 - len(image.tiles) // 2
    image.tiles = np.concatenate([np.zeros((first, 24), np.int8), image.tiles])
    image.loads[:] = [replace(load, first=load.first + first) for load in image.loads]
    image.program[:] = [each._replace(weights=each.weights + first) if each.operation == Operation.DEPTHWISE else each
                        for each in image.program]
    inputs = list(np.random.default_rng(3).integers(-128, 128, (2, 256)).astype(np.int8))
    check(config, image.to_bytes(config), inputs,
          verilog="\n".join([emit(config, "ecp5"), *cell_models("ecp5").values()]))


def test_windows_far_below_the_source():
    """Its rows are counted beyond 2**18, and none of those is taken for one of the source."""
    build = Builder(np.random.default_rng(6), (1, 8, 8, 4))
    build.conv(8, (1, 1))
    image = read_image(SMALL, compile_network(SMALL, build.network()).image)
    image.program[0] = image.program[0]._replace(
        tall=1, wide=1, top=4, step_y=255, block_height=1, block_width=1, part_rows=24, strip=65535, target=16384,
        target_limit=32768, target_height=1100, target_width=1, target_pitch=8)
    image.loads[:] = [Load(image.loads[0].first, 4)]
    x = np.random.default_rng(7).integers(-128, 128, 256).astype(np.int8)
    check(SMALL, image.to_bytes(SMALL), [x])


@pytest.mark.parametrize("lanes, depthwise", [(8, 4), *(
    pytest.param(*each, marks=pytest.mark.slow) for each in ((4, 4), (8, 8), (16, 4), (16, 8), (32, 4), (32, 8)))])
def test_columns_of_a_depthwise_layer_are_read_in_time(lanes, depthwise):
    """Rows of a few positions leave the reader the least time; also pixels of more than half of the most words."""
    config = replace(DEPTHWISE, lanes=lanes, depthwise=depthwise, activation_bytes=1 << 15, tile_rows=4096,
                     program_length=256, load_entries=4096, parameter_slots=256,
                     macro=replace(DEPTHWISE.macro, columns=max(8, lanes)))
    most, rng, jobs, goldens = config.most_depthwise_channels, np.random.default_rng(8), [], []
    for channels in sorted({1, lanes, most // 2, most // 2 + 1, most // 2 + lanes, most - lanes, most} - {0}):
        for width, stride, wide in product((1, 2, 3), (1, 2), (1, 3)):
            build = Builder(rng, (1, 7, (width - 1) * stride + wide, channels))
            build.depthwise((3, wide), (1, stride), same=False)
            engine = Engine(config, compile_network(config, build.network()).image)
            x = rng.integers(-128, 128, engine.input_bytes).astype(np.int8)
            engine.load(x)
            jobs.append(Job(engine.image, [engine.memory.copy()], 60_000))
            goldens.append(engine.run(x))
    found = run_jobs(compiled(config, BUILD), config, jobs)
    assert [run.difference(golden) for (run,), golden in zip(found, goldens)] == [None] * len(jobs)


def test_steps_of_a_stream():
    network = streaming_network(np.random.default_rng(38))
    x = inputs_of(np.random.default_rng(39), network, 5).astype(np.int8)
    check(SMALL, compile_network(SMALL, network).image, list(x.reshape(5, -1)), is_stateful=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_drawn_networks(name):
    config, count = FORMS[name], 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        try:
            image = compile_network(config, drawn(rng), fuse=bool(seed % 3)).image
        except NetworkError as error:
            assert "must find room in the engine" in str(error) or "activation memory" in str(error)
            continue
        x = np.random.default_rng(seed).integers(-128, 128, Engine(config, image).input_bytes).astype(np.int8)
        check(config, image, [x], seed=seed)
        count += 1
    assert count > 20


@pytest.mark.slow
@pytest.mark.parametrize("name, count", [*((name, 1) for name in NETWORKS), ("anomaly_detection", 16)])
def test_published_network(published, name, count):
    """Its first input, or of fully connected layers the first so many together."""
    path, inputs = published(name)
    image = compile_network(default_engine(), load_network(path), batch=count).image
    check(default_engine(), image, [inputs[:count].astype(np.int8).reshape(-1)])


@pytest.mark.slow
@pytest.mark.parametrize("name, fuse", [*((name, True) for name in NETWORKS), ("keyword_spotting", False),
                                        ("image_classification", False)])
def test_inputs_of_a_published_network(published, name, fuse):
    path, inputs = published(name)
    image = compile_network(default_engine(), load_network(path), fuse=fuse).image
    inputs = inputs.astype(np.int8).reshape(len(inputs), -1)[::STEPS.get(name, 1)]
    for first in range(0, len(inputs), 50):
        check(default_engine(), image, list(inputs[first:first + 50]))


@pytest.fixture(scope="module")
def runs():
    """Of an image, its golden run and that of the Verilog."""
    x = np.random.default_rng(2).integers(-128, 128, 256).astype(np.int8)
    (pair,) = run_verilog(SMALL, small().image, [x], folder=BUILD)
    return pair


def other(array, index):
    """An array of which an element is another."""
    array = array.copy()
    array[index] ^= 1
    return array


@pytest.mark.parametrize("changes, match", [
    (lambda run: {"ends": [run.ends[0], run.ends[1] + 1, *run.ends[2:]]},
     r"descriptor 1 \(CONV\) must end in cycle (\d+), not \d+"),
    (lambda run: {"memories": other(run.memories, (0, 700))},
     r"descriptor 0 \(CONV\) must leave \d+ at address 700, not \d+, and differs in 1 bytes"),
    (lambda run: {"ends": run.ends[:-1]}, r"descriptor \d+ \(END\) must end in cycle \d+, and does not"),
    (lambda run: {"is_complete": False}, "the run must end with the golden one, and does not"),
    (lambda run: {"memory": other(run.memory, 9)},
     "the memory must hold what was written at address 9, and differs in 1 bytes"),
    (lambda run: {"trace": other(run.trace, (2, 3))},
     r"descriptor 3 \(CONV\) must have reads \d+ in its trace, not \d+"),
    (lambda run: {"fault": Fault.SOURCE, "fault_number": 3},
     "the run must have no fault, and has SOURCE in descriptor 3"),
    (lambda run: {"argmax": run.argmax + 1}, r"argmax must be \d, not \d"),
])
def test_differences_are_named(runs, changes, match):
    golden, verilog = runs
    assert verilog.difference(golden) is None
    with pytest.raises(AssertionError, match=f"^{match}$"):
        raise AssertionError(replace(verilog, **changes(verilog)).difference(golden))


@pytest.mark.slow
def test_wrong_verilog_is_noticed(runs):
    """An engine that writes nothing is wrong; what is no Verilog is refused."""
    text = emit(DEPTHWISE)
    wrong = text.replace("assign guards__allows = running &", "assign guards__allows = ~ running &")
    assert wrong != text
    image = compile_network(DEPTHWISE, drawn(np.random.default_rng(5))).image
    x = np.zeros(Engine(DEPTHWISE, image).input_bytes, np.int8)
    ((golden, verilog),) = run_verilog(DEPTHWISE, image, [x], folder=BUILD, verilog=wrong)
    assert "must leave" in verilog.difference(golden)
    with pytest.raises(SimulatorError, match="engine must compile, and does not"):
        compiled(DEPTHWISE, BUILD, verilog="module engine")


@pytest.mark.parametrize("script, match", [
    ("kill -9 $$", "^the engine's simulation must end, and gave -9: no message$"),
    ("touch $2; kill -6 $$", "^the engine's simulation must end, and gave -6: "),
    ("echo 1>&2 wrong; exit 2", "^the engine's simulation must end, and gave 2: wrong$"),
    ("touch $2", "^the engine's simulation must give 2 runs, not 0$"),
])
def test_a_simulation_that_dies(script, match, tmp_path):
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    engine = Engine(SMALL, small().image)
    with pytest.raises(SimulatorError, match=match):
        run_jobs(program, SMALL, [Job(engine.image, [engine.memory] * 2, 1)])


def test_a_run_that_does_not_end_is_the_last():
    engine = Engine(SMALL, small().image)
    program = compiled(SMALL, BUILD)
    # Precompiled headers would be nine tenths of a build.
    assert not list(program.parent.glob("*.gch"))
    ((run,),) = run_jobs(program, SMALL, [Job(engine.image, [engine.memory] * 2, 100)])
    assert not run.is_complete


def test_configurations_without_gateware_are_refused_before_a_run():
    with pytest.raises(ValueError, match=r"^arrays must be 1 in gateware, not 2$"):
        run_verilog(replace(SMALL, arrays=2), b"", [])
