"""Images for the engine: damaged ones, and descriptors that break a rule, are refused."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.descriptor import FIELDS, SIZE, Descriptor, Flags, Operation
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import PORT, SECTIONS, EngineError, Fault, Load, read_image
from bitline.host.engine.compiler import compile_network
from engine_images import ADD, CONV, DEPTHWISE, END, POOL, changed, number_of, small, various_network
from engine_networks import DEFAULT, SMALL, SMALL_PAIR, Builder


@pytest.fixture(scope="module")
def image():
    return small().image


def test_the_network_has_every_operation():
    assert {descriptor.operation for descriptor in small().program} == set(Operation)
    flags = [descriptor.flags for descriptor in small().program]
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
    with pytest.raises(EngineError, match=r"^image must be of version 2 with 6 sections, not 3 with 6$"):
        Engine(SMALL, image[:4] + b"\3" + image[5:])


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
    (CONV, {"wide": 40000}, "at most 131071 bytes of a window's row, not 160000"),
    (DEPTHWISE, {"left": 1}, "windows that see its source, not one beyond it"),
    (DEPTHWISE, {"left": 40}, "windows that see its source, not one beyond it"),
    (DEPTHWISE, {"left": -3}, "windows that see its source, not one beyond it"),
    (DEPTHWISE, {"top": 1}, "windows that see its source, not one beyond it"),
    (DEPTHWISE, {"top": -3}, "windows that see its source, not one beyond it"),
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


@pytest.mark.parametrize("pitch, is_refused", [(0, False), (16, False), (8, False), (4, True), (12, True), (99, True)])
def test_the_distance_of_a_single_row_is_whole_words(image, pitch, is_refused):
    """As the place of a row in its words is that of the row above, where a window begins there."""
    number = number_of(image, DEPTHWISE)
    each = read_image(SMALL, image).program[number]
    data = changed(image, number, source_height=1, source_pitch=pitch, top=-1, tall=3, target_height=1,
                   source_limit=each.source + (each.source_width - 1) * each.source_pixel + each.depth,
                   target_limit=each.target + (each.target_width - 1) * each.target_pixel + each.channels)
    # A shorter target is refused by what comes after it.
    with pytest.raises(EngineError) as error:
        Engine(SMALL, data)
    assert ("or any of a single row" in str(error.value)) == is_refused
    assert (error.value.fault == Fault.UNIT and error.value.descriptor == number) == is_refused


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


def test_what_is_fed_has_the_image_that_feeds_it(image):
    number = number_of(image, DEPTHWISE, Flags.FEEDS) + 1
    with pytest.raises(EngineError, match=f"descriptor {number} must have one tile for 8 x 8 vectors of 16 rows, with "
                                          "which it is fed, not 1 for 4 x 16 of 16$") as error:
        Engine(SMALL, changed(image, number, target_height=4, target_width=16, target_pitch=128))
    assert error.value.fault == Fault.NEIGHBOR


def test_what_is_fed_adds_nothing(image):
    number = number_of(image, DEPTHWISE, Flags.FEEDS) + 1
    with pytest.raises(EngineError, match=f"descriptor {number} must have no RESIDUAL where it is fed") as error:
        Engine(SMALL, changed(image, number, flags=Flags.RESIDUAL))
    assert error.value.fault == Fault.NEIGHBOR


def test_pixels_are_read_as_fast_as_positions_are_computed():
    config, build = replace(SMALL, depthwise=8), Builder(np.random.default_rng(3), (1, 6, 6, 16))
    build.depthwise()
    image = read_image(config, compile_network(config, build.network()).image)
    image.program[0] = image.program[0]._replace(step_x=2, target_width=3)
    with pytest.raises(EngineError, match=r"must have cycles of a position for the 4 words of the pixels .*, not 2"):
        Engine(config, image.to_bytes(config))


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
        flags=Flags.FEEDS, source=0, source_height=63550, source_width=264, source_pixel=1, source_pitch=264,
        source_limit=1 << 24, target=0, target_limit=0, target_height=63552, target_width=266, top=-2, left=-2)
    with pytest.raises(EngineError, match=r"^descriptor 0 must have at most 16777216 cycles, not 169\d{5}$"):
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


CHANGES = {"field": (change_field, 150, 30), "load": (change_load, 30, 1), "parameter": (change_parameter, 30, 10),
           "port": (change_port, 30, 10)}


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
