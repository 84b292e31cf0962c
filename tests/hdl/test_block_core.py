# amaranth: UnusedElaboratable=no
"""The block core against the golden model of its packets: every bit of every result, its registers and cycles."""

import numpy as np
import pytest
from amaranth.hdl import Cat, ResetInserter, Signal
from bitline.golden.formats.blocks import FORMATS
from bitline.golden.formats.packets import vector_packet, weight_packet
from bitline.hdl.block_core.block_core import BlockCore
from bitline.hdl.block_core.register_map import BLOCK_CORE_IDENTITY, block_core_register_map
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.format_choice import FORMAT_NAMES
from bitline.hdl.config.formats import block_macro
from bitline.hdl.csr.register_map import ErrorCode
from bitline.verif.formats.core_program import FAULTS, CoreProgram, faulty_program
from bitline.verif.formats.program import drawn_program, full_rate_program
from bitline.verif.formats.runs import run_core
from block_player import block
from block_player import run as run_on
from gateware import simulate
from some import some

CHOICE = "MXINT8+MXFP4+MXFP6_E2M3"
TABLES = {"banks": 2, "column": "table", "result_interval": 4}
PAUSES = {"w": 0.3, "i": 0.3, "o": 0.6}


def core(*formats, columns=3, bus="axi", reset="synchronous", macro=None, bits=64, **more):
    return BlockCoreConfig(bus=bus, reset=reset, blocks=block_macro(
        *formats, columns=columns, macro={"banks": 3, **(macro or {})}, input_beat_bits=bits, **more))


# What is no matter of the configuration is tested with this one.
COMMON = core(CHOICE, columns=12, max_blocks=20)


def fields(config, registers, name):
    """The fields of a register that a run has read."""
    (register,) = (each for each in block_core_register_map(config) if each.name == name)
    return {field.name: (registers[name] & field.mask) >> field.low for field in register.fields}


def run(config, program, **more):
    """The registers after a run that gives what the golden model does; cycles too."""
    result = run_core(config, program, **more)
    assert result["found"] == program.beats["o"]
    assert result["refused"] == ErrorCode.UNMAPPED | 4 << 8
    return result["registers"] | {"irq": result["irq"], "taken": result["cycles"]}


@pytest.mark.parametrize("config, pauses", some([
    (COMMON, PAUSES), (core("MXFP4", columns=9, bus="apb", reset="asynchronous", result="bfloat16"), {"o": 0.9}),
    (core("NVFP4", columns=1, bus="wishbone", bits=512, macro={"banks": 1}), {}),
    (core("MXFP8_E4M3+MXFP4", "MXFP6_E3M2+MXINT8", columns=8, macro={"banks": 16}, bits=32), PAUSES),
    (core("MXFP8_E4M3", columns=17, macro=TABLES), {"i": 0.8})], 0, 1, 2), ids=lambda value: getattr(value, "name", ""))
def test_drawn_blocks(config, pauses):
    """The format of a vector, and that of a bank, change all the time, and weights are written again."""
    program = drawn_program(config.blocks, 20, seed=1, kind=CoreProgram)
    registers = run(config, program, pauses=pauses)
    assert len({beat["data"] for beat in program.beats["o"]}) > 15 and program.faults == []
    lost = any(beat["user"] for beat in program.beats["o"])
    assert fields(config, registers, "interrupt_status") == {"error": 0, "result": 1, "loaded": 1, "lost": lost}
    assert registers["irq"] == 1 and registers["error"] == 0
    assert fields(config, registers, "status") == {"idle": 1, "loading": 0}
    size = 1 + config.blocks.beats
    assert registers["vectors"] * size == len(program.beats["i"])


@pytest.mark.parametrize("config, pauses", some([
    (COMMON, PAUSES), (COMMON, {}), (core("MXFP4", bits=128, columns=2), {"i": 0.5}),
    (core("MXFP8_E4M3", bits=32, columns=9), PAUSES)], 0))
def test_faulty_packets(config, pauses):
    """A fault is reported once, loses its own results or weights, and nothing else."""
    program, sent = faulty_program(config.blocks, 12, seed=3), len(FAULTS) * 2 * 12
    registers = run(config, program, pauses=pauses)
    assert len(program.faults) == sent and {name.split("_")[0] for name in program.faults} == {"VECTOR", "LOAD"}
    assert {name.split("_")[1].lower() for name in program.faults} == set(FAULTS)
    assert registers["error"] == ErrorCode[program.faults[0]] | sent << 8
    assert fields(config, registers, "interrupt_status") == {"error": 1, "result": 1, "loaded": 1, "lost": 1}
    lost = [beat["user"] for beat in program.beats["o"] if beat["last"]]
    assert 0 < sum(lost) < len(lost) / 2


@pytest.mark.parametrize("fault", FAULTS)
def test_any_beat_may_be_faulty(fault):
    """Of accumulations of two blocks, and of packets of weights; the packet after it is whole."""
    blocks = COMMON.blocks
    program = CoreProgram(blocks)
    codes, _ = program.drawn("MXINT8", 12)
    weights = [(word, True) for word in weight_packet(blocks, codes, [127] * 12, 1, "MXINT8")]
    vectors = [(word, True) for word in vector_packet(blocks, [("MXINT8", each, 127, 1) for each in codes[:2]], 254)]
    # A header and four beats each; a header, three beats a row, and two of scales.
    assert (len(vectors), len(weights)) == (2 * 5, 1 + 3 * 32 + 2)

    def faulty(packet, place):
        word = packet[place][0]
        return {"null": [*packet[:place], (word, False), *packet[place + 1:]], "short": packet[:place + 1],
                "header": [*packet[:place], (word | 15 << 8, True), *packet[place + 1:]],
                "long": [*packet, *[(0, True)] * (1 + place)]}[fault]

    places = {"null": range(10), "short": range(9), "header": (0, 5), "long": range(10)}[fault]
    program.send("w", weights)
    for place in places:
        program.send("i", faulty(vectors, place))
        program.send("i", vectors)
    must = [int(fault != "long"), 0] * len(places)
    places = {"null": (0, 1, 50, 96, 97, 98), "short": (0, 1, 50, 96, 97), "header": (0,), "long": (0, 5)}[fault]
    for place in places:
        program.send("w", faulty(weights, place))
        program.send("i", vectors)
        # A header of which nothing is known changes no bank.
        must.append(int(place > 0 and fault != "long"))
        program.send("w", weights)
        program.send("i", vectors)
        must.append(0)
    registers = run(COMMON, program)
    assert registers["error"] == ErrorCode[f"VECTOR_{fault.upper()}"] | len(program.faults) << 8
    assert len(program.faults) == len(must) // 2
    assert [beat["user"] for beat in program.beats["o"] if beat["last"]] == must


def test_corner_blocks():
    """What is NaN, infinite, subnormal, canceled or out of the window leaves as the golden model has it."""
    program = CoreProgram(COMMON.blocks)
    top, least, zero = (block("MXFP4", *[value] * 32) for value in (6, 0.5, 0))
    for bank, scales in enumerate(([127] * 12, [0] + [254] * 11)):
        program.load(bank, np.concatenate([top] * 12), np.array(scales, np.uint8), "MXFP4")
    # The points of MXFP4 are 5 less than those of MXINT8.
    raised, found = 10, {}

    def add(name, codes, scales, bank=0, base=None):
        values, is_lost = program.multiply(np.concatenate(codes), np.array(scales, np.uint8), [bank] * len(codes),
                                           base and base + raised, ["MXFP4"] * len(codes))
        found[name] = [None if lost else float(value) for value, lost in zip(values, is_lost)]

    add("nan", [top], [255])
    add("nan of one block", [top, least], [127, 255])
    add("infinite", [top], [254], 1, base=254 + 254)
    add("subnormal", [least], [127 - 20], 1, base=127 - 20)
    add("canceled", [top, top | 8, least], [150, 150, 120])
    add("zeros", [zero, zero], [0, 254])
    add("below", [least], [126], base=254)
    add("above", [top], [127 + 34], base=254)
    add("most blocks", [top] * 20, [127] * 20)
    add("too many blocks", [top] * 21, [127] * 21)
    add("after them", [least], [127])
    run(COMMON, program)
    assert np.isnan(found.pop("nan")).all() and np.isnan(found.pop("nan of one block")).all()
    assert found == {
        "infinite": [None, *[np.inf] * 11], "subnormal": [32 * 3 * 2.0 ** -(20 + 127), *[None] * 11],
        "canceled": [32 * 3 * 2.0 ** -7] * 12, "zeros": [0] * 12, "below": [None] * 12, "above": [None] * 12,
        "most blocks": [20 * 32 * 36.0] * 12, "too many blocks": [None] * 12, "after them": [32 * 3.0] * 12}


@pytest.mark.parametrize("config", some([COMMON, *(core(name, columns=5, macro=TABLES) for name in FORMAT_NAMES)], 0),
                         ids=lambda config: config.name)
def test_a_thousand_blocks_take_their_planes(config):
    """Blocks of the formats in turn, all of whose planes count."""
    names, vectors, together = config.blocks.x.names, 1000, 20
    program = full_rate_program(config.blocks, names, vectors, together, CoreProgram)
    registers = run(config, program)
    planes = vectors // together * sum(FORMATS[names[index % len(names)]].element.integer_bits
                                       for index in range(together))
    assert registers["vectors"] == vectors and planes < registers["taken"] <= planes / 0.95


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["synchronous", "asynchronous"])
def test_power_up_in_any_state(reset):
    """What is unknown until it is written is drawn."""
    config = core("MXFP4+MXFP8_E4M3", columns=2, macro=TABLES, reset=reset)
    program = faulty_program(config.blocks, 2, seed=4)
    registers = run(config, program, pauses=PAUSES, unknowns=True)
    assert registers["error"] >> 8 == len(program.faults)


def test_reset_at_any_time():
    """In it, and in the cycle after it, nothing is taken; then there are no weights, and all is as at the start."""
    config = core("MXFP4", columns=2)
    before, after = (drawn_program(config.blocks, 4, seed=seed, kind=CoreProgram) for seed in (8, 9))
    first = CoreProgram(config.blocks)
    for bank in range(3):
        first.add_accumulation(*first.drawn("MXFP4", 1), [bank], 240)
    dut, reset, runs = BlockCore(config=config), Signal(), []
    valid, ready = ([getattr(side, name) for side in (dut.s_axis, dut.s_axis_w)] for name in ("valid", "ready"))

    async def testbench(ctx):
        for stop in (70, 103, 118, 131, 160):
            await run_on(ctx, dut, before, cycles=stop)
            ctx.set(Cat(valid), -1)
            ctx.set(reset, 1)
            await ctx.tick()
            for each in (1, 0):
                ctx.set(reset, each)
                assert ctx.get(Cat(ready)) == 0
            await ctx.tick()
            assert ctx.get(Cat(ready)) == 3
            ctx.set(Cat(valid), 0)
            runs.append([(await run_on(ctx, dut, program))[0] for program in (first, after)])

    simulate(ResetInserter(reset)(dut), testbench)
    assert runs == [[first.beats["o"], after.beats["o"]]] * 5


def test_registers_have_the_configuration():
    """Any run compares them with this table; here are its values."""
    config = core(CHOICE, "MXFP4", columns=5, max_blocks=65536, result="bfloat16", bits=128)
    found = {register.name: {field.name: field.reset for field in register.fields}
             for register in block_core_register_map(config)}
    assert found["identity"] == {"identity": BLOCK_CORE_IDENTITY} and BLOCK_CORE_IDENTITY == 0x424c4243
    assert found["configuration"] == {"hash": int(config.name[-8:], 16)}
    assert found["shape"] == {"rows": 32, "columns": 5}
    # Numbers 0, 3 and 5; of weights 5.
    assert found["formats"] == {"vector_formats": 0b101001, "weight_formats": 0b100000, "result_bits": 16}
    assert found["capacity"] == {"max_blocks": 65536, "banks": 3}
    assert found["streams"] == {"input_bytes": 16, "weight_bytes": 8, "output_bytes": 2}
    # Points of 6 and 1, and both biases of E8M0.
    assert found["window"] == {"bias": 6 + 1 + 254, "max_shift": 33}


@pytest.mark.parametrize("change, match", [
    ({"blocks": block_macro("MXFP4", columns=2)},
     r"input_beat_bits must be one of 32, 64, 128, 256, 512, 1024 in a core, not 0"),
    ({"bus": "pci"}, "bus must be one of axi, wishbone, apb, not 'pci'"),
    ({"reset": "none"}, "reset must be one of synchronous, asynchronous, not 'none'")])
def test_configurations_that_break_a_rule(change, match):
    with pytest.raises(ValueError, match=f"^{match}$"):
        BlockCoreConfig(**{"blocks": core("MXFP4").blocks, **change})


@pytest.mark.parametrize("name, bits, lanes, beats", [
    ("MXFP4", 32, 8, 4), ("MXFP4", 64, 16, 2), ("MXFP4", 1024, 16, 2), ("MXINT8", 64, 8, 4), ("MXFP6_E2M3", 64, 8, 4),
    ("MXFP6_E2M3", 32, 4, 8), ("NVFP4", 64, 8, 2), ("MXINT8+MXFP4", 64, 8, 4)])
def test_beats_hold_as_many_codes_as_fit(name, bits, lanes, beats):
    """A power of two, and at most half a block."""
    config = core(name, bits=bits).blocks
    assert (config.input_lanes, config.beats) == (lanes, beats)
