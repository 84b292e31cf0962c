"""The engine in numpy: images that are damaged or hostile, and cycles."""

import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.cycles import MacroCycles
from bitline.golden.engine.cycles import EngineCycles
from bitline.golden.engine.descriptor import FIELDS, SIZE, Descriptor, Flags, Operation
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import PORT, SECTIONS, EngineError, Fault, Load, read_image
from bitline.golden.engine.loader import Loader
from bitline.golden.engine.sources import Feeder, Gather, row_cycles
from bitline.golden.engine.streams import Streams
from bitline.host.engine.compiler import compile_network
from bitline.host.network.operators import AveragePool2D, MaxPool2D
from engine_networks import DEFAULT, PAIR, SMALL, SMALL_PAIR, Builder, mobile_network


def various_network():
    """A network with every operation: a sum that is fused and one that is not, pools, a layer that feeds another."""
    build = Builder(np.random.default_rng(1), (1, 8, 8, 4))
    first = build.conv(16)
    build.add(first, build.conv(16))
    build.depthwise()
    build.conv(8, (1, 1))
    build.pool(MaxPool2D, (2, 2), (2, 2))
    before = build.last
    build.add(before, before)
    build.pool(AveragePool2D, (4, 4), (1, 1))
    build.flat()
    build.dense(5)
    return build.network()


@pytest.fixture(scope="module")
def compiled():
    return compile_network(SMALL, various_network())


@pytest.fixture(scope="module")
def image(compiled):
    return compiled.image


def changed(data, number, **fields):
    """An image of which a descriptor has other fields."""
    image = read_image(SMALL, data)
    image.program[number] = image.program[number]._replace(**fields)
    return image.to_bytes(SMALL)


def number_of(data, operation, flags=0):
    """Of the first descriptor with an operation and flags."""
    return next(number for number, descriptor in enumerate(read_image(SMALL, data).program)
                if descriptor.operation == operation and descriptor.flags & flags == flags)


def test_the_network_has_every_operation(compiled):
    assert {descriptor.operation for descriptor in compiled.program} == set(Operation)
    flags = [descriptor.flags for descriptor in compiled.program]
    assert all(any(each & flag for each in flags) for flag in (Flags.RESIDUAL, Flags.FEEDS, Flags.MAXIMUM,
                                                               Flags.UNSIGNED))


def test_descriptors_are_read_as_they_were_written():
    rng = np.random.default_rng(2)
    limits = {"B": (0, 255), "b": (-128, 127), "H": (0, 65535), "h": (-32768, 32767), "I": (0, (1 << 32) - 1),
              "i": (-1 << 31, (1 << 31) - 1)}
    for choose in (min, max, lambda pair: int(rng.integers(pair[0], pair[1] + 1))):
        descriptor = Descriptor(*(choose(limits[code]) for _, code, _ in FIELDS))
        data = descriptor.to_bytes()
        assert len(data) == SIZE and Descriptor.from_bytes(data) == (descriptor, True)
    assert Descriptor.from_bytes(data[:-1] + b"\1") == (descriptor, False)


def test_fields_are_aligned():
    sizes, offset = {"B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4}, 0
    for name, code, _ in FIELDS:
        assert offset % sizes[code] == 0, name
        offset += sizes[code]


@pytest.mark.parametrize("load", [Load(0, 1), Load(65535, 1024, True), Load(4096, 64)])
def test_loads_are_read_as_they_were_written(load):
    assert Load.from_int(load.to_int()) == load and load.to_int() < 1 << 32


# Damaged images.


@pytest.mark.parametrize("length", [0, 3, 40, 99])
def test_image_without_a_whole_header(image, length):
    with pytest.raises(EngineError, match=f"^image must have at least 100 bytes, not {length}$"):
        Engine(SMALL, image[:length])


def test_truncated_image(image):
    with pytest.raises(EngineError, match=f"^image must have the {len(image)} bytes that it says, not 1000$"):
        Engine(SMALL, image[:1000])
    with pytest.raises(EngineError, match=f"bytes that it says, not {len(image) + 1}$"):
        Engine(SMALL, image + b"\0")


def test_other_magic_and_version(image):
    with pytest.raises(EngineError, match=r"^image must begin with BLNE, not b'BLNX'$"):
        Engine(SMALL, b"BLNX" + image[4:])
    with pytest.raises(EngineError, match=r"^image must be of version 1 with 6 sections, not 2 with 6$"):
        Engine(SMALL, image[:4] + b"\2" + image[5:])


def test_image_of_another_engine(image):
    with pytest.raises(EngineError, match=f"^image must be for configuration {DEFAULT.hash}, not {SMALL.hash}$"):
        Engine(DEFAULT, image)


def test_every_changed_byte_is_noticed(image):
    rng = np.random.default_rng(3)
    positions = [*range(100), *rng.integers(100, len(image), 200).tolist()]
    for position in positions:
        data = bytearray(image)
        data[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(EngineError, match=r"^image must "):
            Engine(SMALL, bytes(data))


def test_changed_section_is_named(image):
    for name in SECTIONS[:-1]:
        data, index = bytearray(image), SECTIONS.index(name)
        offset = int.from_bytes(data[24 + 12 * index:28 + 12 * index], "little")
        data[offset] ^= 1
        with pytest.raises(EngineError, match=f"^image must have a section {name} with the CRC-32 that it says"):
            Engine(SMALL, bytes(data))


def test_section_beyond_the_image(image):
    data = bytearray(image)
    data[28:32] = (1 << 30).to_bytes(4, "little")
    data[96:100] = zlib.crc32(data[:96]).to_bytes(4, "little")
    with pytest.raises(EngineError, match=r"^image must have its section program at byte 100 and within it"):
        Engine(SMALL, bytes(data))


# Hostile descriptors.

CONV, DEPTHWISE, POOL, ADD, END = (Operation.CONV, Operation.DEPTHWISE, Operation.POOL, Operation.ADD, Operation.END)


@pytest.mark.parametrize("operation, fields, match", [
    (CONV, {"operation": 5}, "an operation from 0 to 4, not 5"),
    (CONV, {"flags": 64}, "flags among those of CONV, not 64"),
    (CONV, {"rounding": 3}, "a rounding from 0 to 2, not 3"),
    (CONV, {"tall": 0}, "a tall of at least 1, not 0"),
    (CONV, {"strip": 0}, "a strip of at least 1, not 0"),
    (CONV, {"low": 5, "high": 4}, "a low of at most high, not 5 with 4"),
    (CONV, {"source_height": 9}, r"a source that ends at its limit, \d+, not \d+"),
    (CONV, {"source_limit": 1 << 31}, "a limit of its source within the memory of 32768 bytes, not 2147483648"),
    (CONV, {"source_pixel": 3}, "a source_pixel of at least 4, not 3"),
    (CONV, {"target": 32760}, r"a target that ends at its limit, \d+, not \d+"),
    (CONV, {"target_pitch": 1}, "a target_pitch of at least 16, not 1"),
    (CONV, {"outputs": 12}, "outputs in multiples of 8, not 12"),
    (CONV, {"block_width": 200}, "results of a vector in 2 groups of 8 columns, not"),
    (CONV, {"part_rows": 25}, "part_rows of at most 24, not 25"),
    (CONV, {"strip": 65535, "part_rows": 12}, "partial sums of a strip in 32 slots, not"),
    (CONV, {"parameters": 65535}, "parameters among \\d+ slots, not"),
    (CONV, {"weights": 7}, "load 0 as its first, not 7"),
    (CONV, {"tall": 2}, r"\d+ rows in load \d+, not \d+"),
    (DEPTHWISE, {"wide": 4}, "windows of at most 3 x 3, not 3 x 4"),
    (DEPTHWISE, {"step_x": 3}, "steps of at most 2, not 1 and 3"),
    (DEPTHWISE, {"weights": 65535}, "taps among the rows of tiles, not"),
    (DEPTHWISE, {"source_pitch": 128}, "a source at an address divided by 8, with an odd number of such words"),
    (DEPTHWISE, {"channels": 8}, "as many channels as depth"),
    (POOL, {"left": -1, "flags": 0}, "windows within its source, not beyond it"),
    (POOL, {"tall": 256, "wide": 256, "step_y": 1, "step_x": 1, "target": 16384, "target_limit": 32768,
            "target_height": 8, "target_width": 8, "target_pitch": 128}, "at most 2097152 reads, not 4194304"),
    (POOL, {"top": -2}, "windows that see its source, not one beyond it"),
    (POOL, {"left": -2}, "windows that see its source, not one beyond it"),
    (POOL, {"target": 16384, "target_limit": 32768, "target_height": 5},
     "windows that see its source, not one beyond it"),
    (POOL, {"sum_slot": 999}, r"parameters among \d+ slots, not 1000"),
    (POOL, {"flags": Flags.SUMS}, "one window, of the sums of a CONV before it"),
    (CONV, {"flags": Flags.SUMS, "target_height": 65535, "target_width": 2},
     "sums of at most 65536 results, not 131070"),
    (ADD, {"term_shift": 1}, "a term_shift from -31 to 0, not 1"),
    (ADD, {"term_multiplier": -1}, "a term_multiplier of at least 0, not -1"),
    (ADD, {"sum_low": 1, "sum_high": 0}, "a sum_low of at most sum_high"),
    (ADD, {"source_width": 3}, "a source of the size of the target, not 4 x 3"),
    (END, {"depth": 0}, "at least 1 output, not 0"),
    (END, {"source": 1 << 31}, "a source that ends at its limit"),
])
def test_descriptor_that_breaks_a_rule(image, operation, fields, match):
    number = number_of(image, operation)
    with pytest.raises(EngineError, match=f"^descriptor {number} must have ({match})") as error:
        Engine(SMALL, changed(image, number, **fields))
    assert error.value.descriptor == number and "\n" not in str(error.value)


@pytest.mark.parametrize("operation, fields, fault", [
    (CONV, {"operation": 5}, Fault.OPERATION),
    (CONV, {"rounding": 3}, Fault.NUMBER),
    (POOL, {"flags": Flags.SUMS}, Fault.NEIGHBOR),
    (CONV, {"source_height": 9}, Fault.SOURCE),
    (CONV, {"target_limit": 1}, Fault.TARGET),
    (ADD, {"residual": 40000}, Fault.RESIDUAL),
    (CONV, {"weights": 7}, Fault.TILE),
    (CONV, {"strip": 65535, "part_rows": 12}, Fault.SUM),
    (CONV, {"parameters": 65535}, Fault.PARAMETER),
    (DEPTHWISE, {"wide": 4}, Fault.UNIT),
])
def test_faults_have_numbers(image, operation, fields, fault):
    with pytest.raises(EngineError) as error:
        Engine(SMALL, changed(image, number_of(image, operation), **fields))
    assert error.value.fault == fault


@pytest.mark.parametrize("fields", [
    {"tall": 65535, "wide": 65535, "depth": 65535, "part_rows": 1, "source_pixel": 65535},
    {"strip": 1, "outputs": 8, "part_rows": 1}, {"target_height": 65535, "target_width": 65535, "target_pitch": 0}])
def test_endless_descriptors_are_refused_at_once(image, fields):
    with pytest.raises(EngineError, match=r"^descriptor 0 must have "):
        Engine(SMALL, changed(image, 0, **fields))


def test_source_and_target_are_apart(image):
    number = number_of(image, POOL)
    descriptor = read_image(SMALL, image).program[number]
    with pytest.raises(EngineError, match="must have a source apart from its target"):
        Engine(SMALL, changed(image, number, target=descriptor.source, target_limit=descriptor.source_limit))


def test_what_feeds_must_be_followed_by_a_convolution(image):
    number = number_of(image, POOL)
    with pytest.raises(EngineError, match=f"descriptor {number + 1} must have the operation CONV, because it is fed"):
        Engine(SMALL, changed(image, number, **read_image(SMALL, image).program[
            number_of(image, DEPTHWISE, Flags.FEEDS)]._asdict()))


def test_program_without_end(image):
    image = read_image(SMALL, image)
    image.program.pop()
    with pytest.raises(EngineError, match=r"^image must have an END among its \d+ descriptors, and has none$"):
        Engine(SMALL, image.to_bytes(SMALL))
    image.program[0] = Descriptor(operation=END, source_limit=1, depth=1)
    with pytest.raises(EngineError, match=r"^descriptor 0 must be the last, because it is END, and others follow$"):
        Engine(SMALL, image.to_bytes(SMALL))


def test_loads_without_a_tile(image):
    image = read_image(SMALL, image)
    image.loads.append(Load(0, 1))
    with pytest.raises(EngineError, match=r"^image must have a load for each of the \d+ tiles of its descriptors"):
        Engine(SMALL, image.to_bytes(SMALL))


@pytest.mark.parametrize("change, match", [
    (lambda load: replace(load, first=60000), "rows of load 0 among"),
    (lambda load: replace(load, rows=load.rows - 1), "rows in load 0, not"),
    (lambda load: replace(load, keeps=True), "a load 0 that keeps the tile of 2 loads before, not another"),
])
def test_load_that_breaks_a_rule(image, change, match):
    image = read_image(SMALL, image)
    image.loads[0] = change(image.loads[0])
    with pytest.raises(EngineError, match=f"^descriptor 0 must have .*{match}"):
        Engine(SMALL, image.to_bytes(SMALL))


@pytest.mark.parametrize("fields, match", [
    # One tile, of as many vectors as a target has pixels.
    ({"tall": 24, "target_height": 2000, "target_width": 3000}, "at most 134217728 bytes of windows, not 144000000"),
    ({"tall": 1, "part_rows": 1, "strip": 16, "outputs": 1, "target_height": 2100, "target_width": 2000},
     "at most 4194304 vectors, not 4200000"),
    ({"tall": 24, "source_pixel": 2, "source_width": 4, "target_height": 1000, "target_width": 1000},
     "at most 16777216 cycles to gather it, not 24000000"),
])
def test_convolutions_that_would_take_hours(fields, match):
    build = Builder(np.random.default_rng(54), (1, 8, 8, 1))
    build.conv(1, (1, 1))
    config = replace(SMALL, activation_bytes=1 << 23)
    image = read_image(config, compile_network(config, build.network()).image)
    image.program[0] = image.program[0]._replace(**{
        "target": 64, "target_limit": 1 << 23, "target_pixel": 1, "target_pitch": fields["target_width"], "wide": 1,
        "depth": 1, "source_pixel": 1, "block_height": 1, "block_width": 1, "part_rows": 24, "strip": 65535, **fields})
    with pytest.raises(EngineError, match=f"^descriptor 0 must have {match}"):
        Engine(config, image.to_bytes(config))


def test_depthwise_layers_that_would_take_hours():
    build = Builder(np.random.default_rng(65), (1, 8, 8, 1))
    build.depthwise()
    config = replace(SMALL, activation_bytes=1 << 24)
    image = read_image(config, compile_network(config, build.network()).image)
    image.program[0] = image.program[0]._replace(
        source=0, source_height=1, source_width=541, source_pixel=1, source_limit=541, step_x=2, target=1024,
        target_limit=1 << 24, target_height=60000, target_width=270, target_pixel=1, target_pitch=270)
    with pytest.raises(EngineError, match=r"^descriptor 0 must have at most 16777216 cycles, not 32\d{6}$"):
        Engine(config, image.to_bytes(config))


@pytest.mark.parametrize("name, value, match", [
    ("spare", 1, "spare bytes of zero in its parameters, not others"),
    ("multiplier", -1, "multipliers of at least 0, not -1"),
    ("shift", 8, r"shifts from -31 to 7, not -?\d+ to 8"),
])
def test_parameters_that_break_a_rule(image, name, value, match):
    image = read_image(SMALL, image)
    image.parameters = image.parameters.copy()
    image.parameters[name][0] = value
    with pytest.raises(EngineError, match=f"^descriptor 0 must have {match}") as error:
        Engine(SMALL, image.to_bytes(SMALL))
    assert error.value.fault == Fault.PARAMETER


def test_image_with_too_much(image):
    few = replace(SMALL, program_length=2)
    with pytest.raises(EngineError, match=r"^image must have at most 2 descriptors, not \d+$"):
        Engine(few, read_image(SMALL, image).to_bytes(few))


def test_ports_beyond_the_memory(image):
    image = read_image(SMALL, image)
    image.ports = image.ports.copy()
    image.ports["address"][0] = 1 << 20
    with pytest.raises(EngineError, match=r"^image must have ports of bytes within the memory of 32768"):
        Engine(SMALL, image.to_bytes(SMALL))


@pytest.mark.parametrize("ports, match", [
    ([(7, 0, 1, 1, 0, 1)], "ports of kinds 0 to 2, not 7"),
    ([(1, 0, 1, 2, 0, 0)], "ports of bytes at distances of at least 1, not 0 and 0"),
    ([(1, 0, 2, 1, 0, 1)], "ports of bytes at distances of at least 1, not 0 and 1"),
    ([(1, 0, 0, 1, 0, 1)], "ports of bytes within the memory of 32768, not of 0 lines of 1"),
    ([(1, 0, 1, 0, 0, 1)], "ports of bytes within the memory of 32768, not of 1 lines of 0"),
    ([(1, 0, 1, 32769, 0, 1)], "ports of bytes within the memory of 32768, not of 1 lines of 32769 up to 32769"),
    ([(1, 0, 2, 32767, 1, 1)], "ports of at most 32768 bytes of a kind, not 65539"),
    ([(2, 0, 1, 4, 0, 1)], "states of 4 bytes, not 0"),
    ([(0, 0, 1, 1, 0, 1)] * 5000, "at most 4096 ports, not 5002"),
    (None, "ports for input and output, and lacks one"),
])
def test_ports_that_break_a_rule(image, ports, match):
    image = read_image(SMALL, image)
    image.ports = np.concatenate([image.ports, np.array(ports, PORT)]) if ports else image.ports[:1]
    with pytest.raises(EngineError, match=f"^image must have {match}"):
        Engine(SMALL, image.to_bytes(SMALL))


def test_input_of_another_size(image):
    engine = Engine(SMALL, image)
    assert engine.input_bytes == 256
    with pytest.raises(EngineError, match=r"^input must be int8, not float64$"):
        engine.run(np.zeros(256))
    with pytest.raises(EngineError, match=r"^input must have 256 bytes, not 255$"):
        engine.run(bytes(255))
    assert engine.run(bytes(256)).cycles


@pytest.mark.parametrize("config, fields, match", [
    (SMALL, {"split": 2}, "a split that divides 1 macros, not 2"),
    (SMALL_PAIR, {"split": 3}, "a split that divides 2 macros, not 3"),
    (SMALL_PAIR, {"split": 2, "step_x": 1}, "steps of 8 bytes, and pixels without gaps, with a split, not 4"),
    (SMALL_PAIR, {"split": 2, "step_x": 2, "outputs": 16}, "results of a vector in 1 groups of 8 columns, not"),
])
def test_splits_that_break_a_rule(config, fields, match):
    image = read_image(config, compile_network(config, various_network()).image)
    image.program[0] = image.program[0]._replace(**fields)
    with pytest.raises(EngineError, match=f"^descriptor 0 must have {match}"):
        Engine(config, image.to_bytes(config))


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


def change_field(rng, image):
    """Another value of a field of a descriptor."""
    number = int(rng.integers(len(image.program)))
    name, code, _ = FIELDS[int(rng.integers(len(FIELDS)))]
    before = getattr(image.program[number], name)
    value = before + int(rng.choice([-1, 1])) if rng.integers(2) else int(rng.choice([0, 1, 2, 3, 64, 127]))
    value = max(value, 0) if code.isupper() else min(max(value, -128), 127)
    image.program[number] = image.program[number]._replace(**{name: value % 256 if code == "B" else value})


def change_load(rng, image):
    """Another first row or number of rows, or whether the tile is kept."""
    number, load = int(rng.integers(len(image.loads))), image.loads
    load[number] = (replace(load[number], first=int(rng.integers(len(image.tiles)))),
                    replace(load[number], rows=max(load[number].rows + int(rng.choice([-1, 1])), 0)),
                    replace(load[number], keeps=not load[number].keeps))[int(rng.integers(3))]


def change_parameter(rng, image):
    """Any bits of a parameter."""
    image.parameters = image.parameters.copy()
    bits = image.parameters.reshape(-1)[int(rng.integers(image.parameters.size)):][:1].view(np.uint8)
    bits[int(rng.integers(len(bits)))] ^= 1 << int(rng.integers(8))


def change_port(rng, image):
    """A number of a port one greater or less, or one of a few."""
    image.ports = image.ports.copy()
    name = PORT.names[int(rng.integers(len(PORT.names)))]
    number, before = int(rng.integers(len(image.ports))), image.ports[name]
    before[number] = rng.choice([max(int(before[number]) - 1, 0), int(before[number]) + 1, 0, 1, 2, 64])


CHANGES = {"field": (change_field, 300, 60), "load": (change_load, 60, 2), "parameter": (change_parameter, 60, 20),
           "port": (change_port, 60, 20)}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_hostile_programs_are_refused_or_run(image, change):
    """Numbers drawn at will: a rule is named, or the engine runs and writes nothing beyond its targets."""
    rng, ran = np.random.default_rng(4), 0
    function, count, least = CHANGES[change]
    for _ in range(count):
        changed = read_image(SMALL, image)
        function(rng, changed)
        try:
            engine = Engine(SMALL, changed.to_bytes(SMALL))
        except EngineError:
            continue
        engine.load(bytes(engine.input_bytes))
        before = engine.memory.copy()
        for step in engine.steps():
            target = changed.program[step.number]
            changes = np.flatnonzero(step.memory != before)
            assert not len(changes) or target.target <= changes[0] <= changes[-1] < target.target_limit, target
            before = step.memory
        assert engine.output().dtype == np.int8
        ran += 1
    assert least < ran < count


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
    assert all(before.end + 4 <= after.start for before, after in zip(run.steps, run.steps[1:]))
    assert run.steps[0].start == 28 and run.cycles == run.steps[-1].end


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


def test_loader_writes_rows_one_a_cycle_and_waits_for_its_bank():
    loader = Loader(DEFAULT, [Load(0, 2), Load(2, 2), Load(0, 2, True), Load(4, 1)])
    offered = []
    for cycle in range(12):
        if write := loader.offer(cycle, False):
            offered.append((cycle, write))
            loader.accepted(cycle)
    assert offered == [(3, (0, 0)), (4, (0, 1)), (8, (1, 0)), (9, (1, 1))] and loader.written == 2
    loader.released = 1
    assert loader.offer(12, False) is None and loader.written == 3
    loader.released = 2
    assert loader.offer(13, False) is None and loader.offer(16, True) is None and loader.offer(17, False) == (1, 0)


def test_weights_from_outside_come_at_the_rate_of_the_port():
    loader = Loader(replace(DEFAULT, weight_port=16), [Load(0, 3)])
    cycles = []
    for cycle in range(20):
        if loader.offer(cycle, False):
            cycles.append(cycle)
            loader.accepted(cycle)
    assert cycles == [3, 7, 11]


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
    assert feeder.ready[across] - feeder.ready[0] == cycles and feeder.ready[0] == 10 + position - 1 + 4 + 16


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
    # Gathered in 4 cycles and 4 of latency before; the register, its four slots and the lanes behind.
    assert clock.cycle - 400 == cycle - first + (3 + 4) + 4 + 16


def test_mobile_network_runs():
    compiled = compile_network(SMALL, mobile_network(np.random.default_rng(6)))
    assert Engine(SMALL, compiled.image).run(np.zeros(24 * 24 * 3, np.int8)).cycles > 1000
