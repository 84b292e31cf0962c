"""The testbench of one engine in plain Verilog: it loads an image of one layer, and runs it."""

import numpy as np

from ...golden.engine.executor import Engine
from ...golden.engine.image import INPUT, OUTPUT
from ...hdl.config.widths import ceil_log2
from ...hdl.csr.register_map import ErrorCode
from ...hdl.engine.control.image_words import Section
from ...hdl.engine_core.register_map import ENGINE_IDENTITY, engine_register_map
from ...hdl.engine_core.word_writer import WORD_BYTES
from ...host.engine.compiler import compile_network
from ...host.network.checks import check
from ...host.network.network import Network, Tensor
from ...host.network.operators import FullyConnected
from ...verif.engine.image_words import image_words
from .simulation import filled, testbench
from .steps import OTHER, RegisterSteps

# Inputs and outputs of the layer, if the engine has as many rows and columns, and room for them.
INPUTS, OUTPUTS = 32, 16
# Without a step that ends; the layer takes some hundred.
TIMEOUT_CYCLES = 20_000


def engine_testbench(config):
    """The testbench of an engine behind a bus and its steps, by name.

    Parameters
    ----------
    config : EngineCoreConfig
    """
    steps, port = engine_steps(config), config.engine.weight_port
    names = ("reads", "fills") if port else ("registers",)
    values = {"MEMORY_BITS": 8 * port, "MEMORY_BEATS": steps.count(OTHER), "SHIFT": ceil_log2(port)} if port else {}
    return testbench(config, steps, TIMEOUT_CYCLES, "".join(
        filled(f"testbench_{name}.v.in", values) for name in names))


def engine_steps(config):
    """Identification, an image, an input, a run, its outputs, class and cycles; an error."""
    rng, engine = np.random.default_rng(int(config.hash, 16)), config.engine
    steps = RegisterSteps(engine_register_map(engine), max(64, 8 * engine.weight_port))
    golden = Engine(engine, compile_network(engine, drawn_layer(rng, engine)).image)
    steps.read("identity", identity=ENGINE_IDENTITY)
    steps.read("configuration", hash=int(engine.hash, 16))
    steps.read("status", busy=0, done=0)
    _load(steps, engine, golden.image)
    x = rng.integers(-128, 128, golden.input_bytes).astype(np.int8)
    run = golden.run(x)
    _write(steps, golden.ports.addresses[INPUT], x)
    steps.write("control", start=1)
    steps.wait("status", busy=0, done=1)
    steps.read("fault", code=0)
    _read(steps, golden.ports.addresses[OUTPUT], run.output)
    steps.read("result", argmax=run.argmax)
    if not engine.weight_port:
        # Otherwise it is as slow as the memory.
        steps.read("cycles", count=run.cycles)
    steps.read("trace_count", count=len(run.steps))
    steps.refused(ErrorCode.UNMAPPED)
    return steps


def drawn_layer(rng, engine):
    """A network of a fully connected layer, whose outputs are not all at the ends of their range."""
    # Whole words.
    inputs = WORD_BYTES * max(1, min(INPUTS, engine.macro.rows, engine.tile_rows) // WORD_BYTES)
    outputs = min(OUTPUTS, engine.columns, engine.parameter_slots * engine.lanes)
    scale = np.float32(1 / 8)

    def tensor(name, shape, dtype, *scales, data=None):
        return Tensor(name, shape, dtype, np.array(scales, np.float32), np.zeros(len(scales), np.int64), 0, data)

    tensors = [
        tensor("x", (1, inputs), "int8", scale),
        tensor("weights", (outputs, inputs), "int8", 1 / 2048,
               data=rng.integers(-127, 128, (outputs, inputs), np.int8)),
        tensor("bias", (outputs,), "int32", data=rng.integers(-1000, 1001, outputs, np.int32)),
        tensor("y", (1, outputs), "int8", scale)]
    network = Network("layer", tensors, [FullyConnected(
        location="operator 0 (FULLY_CONNECTED)", inputs=(0, 1, 2), outputs=(3,), rounding="float64")], (0,), (3,))
    check(network)
    return network


def _load(steps, engine, image):
    """Words of all sections, of which the registers count up the places; or rows of tiles in the memory outside."""
    section = None
    for number, item, _, word in image_words(engine, image):
        if number != section:
            section = number
            steps.write("target", section=section, item=item)
        steps.write("write_data", word=word)
    steps.write("load_count", count=len(image.loads))
    if engine.weight_port:
        steps.write("row_count", count=len(image.tiles))
        for beat in image.tiles.reshape(-1, engine.weight_port):
            steps.add(OTHER, data=int.from_bytes(beat.tobytes(), "little"))


def _write(steps, addresses, values):
    """Bytes at addresses that follow one another."""
    steps.write("target", section=Section.ACTIVATIONS.value, item=int(addresses[0]))
    for word in _words(values):
        steps.write("write_data", word=word)


def _read(steps, addresses, values):
    steps.write("read_address", address=int(addresses[0]))
    for word in _words(values):
        steps.read("read_data", word=word)


def _words(values):
    """Words of bytes."""
    return np.frombuffer(values.tobytes(), "<u4").tolist()
