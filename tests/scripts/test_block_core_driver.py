"""The C driver of a block core, run against the RTL; `test_driver.py` compiles it with strict warnings."""

import subprocess

import numpy as np
import pytest
from bitline.golden.formats.blocks import NUMBER_OF
from bitline.golden.formats.packets import packet_bytes, vector_packet, weight_packet
from bitline.hdl.block_core.register_map import BLOCK_CORE_ERRORS
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.formats import WEIGHT_BEAT_BITS, block_macro
from bitline.hdl.csr.register_map import ErrorCode
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.c_headers import BLOCK_DRIVER, DRIVER, FULL, FULL_BLOCK_CORE, driver_files
from bitline.scripts.integration.interfaces import package
from bitline.verif.formats.core_program import CoreProgram
from bitline.verif.sim.build import compile_program
from bitline.verif.sim.simulators import source
from drivers import SHIM, compile_driver
from some import some

# Codes of 6 bits in places of 8, and of 4 in places of 6; columns that no beat of weights has all of.
CONFIGS = [
    BlockCoreConfig(blocks=block_macro("MXFP6_E2M3+MXINT8", "MXFP4+MXFP6_E3M2", columns=12, macro={"banks": 2},
                                       input_beat_bits=64)),
    BlockCoreConfig(bus="apb", reset="asynchronous", blocks=block_macro(
        "NVFP4", columns=9, macro={"banks": 3}, input_beat_bits=128, result="bfloat16", max_blocks=3)),
]
OK, NOT_FOUND, ARGUMENT, TIMEOUT, REFUSED, LOST = 0, -1, -2, -3, -7, -10
# What `block_core_test.cpp` prints but packets, runs and sizes.
PRINTED = {
    "elsewhere": NOT_FOUND, **dict.fromkeys(("init", "pack_weights", "load", "pack_vector", "idle"), OK),
    **dict.fromkeys(("no_weights", "no_vector"), ARGUMENT), **dict.fromkeys(("load_nothing", "late"), TIMEOUT),
    **dict.fromkeys(("load_wrong", "run_wrong"), REFUSED), **dict.fromkeys(("load_failed", "run_failed"), -100),
    "load_error": ErrorCode.LOAD_HEADER, "run_error": ErrorCode.VECTOR_HEADER, "cleared": 0, "events": 2, "quiet": 0,
    "irq": 1, "refused": 0,
}


class Numbers(CoreProgram):
    """Drawn weights and vectors as numbers for the driver, and the packets that it must make of them."""

    def __init__(self, config):
        super().__init__(config, 1)
        self.numbers, self.packets, self.results, self.runs = [], {}, {}, {}

    def add_weights(self, codes, scales, bank, name):
        self.numbers += [NUMBER_OF[name], *codes.T.ravel(), *scales]
        words = weight_packet(self.config, codes, scales, bank, name)
        self.packets[f"weights{bank}"] = packet_bytes(words, WEIGHT_BEAT_BITS)
        super().add_weights(codes, scales, bank, name)

    def add_accumulation(self, codes, scales, banks, base, names=None):
        number, first = len(self.runs), len(self.beats["o"])
        for name, block, scale, bank in zip(names, codes, scales, banks):
            self.numbers += [NUMBER_OF[name], scale, bank, base, *block]
        words = vector_packet(self.config, list(zip(names, codes, scales, banks)), base)
        self.packets[f"vectors{number}"] = packet_bytes(words, self.config.input_beat_bits)
        super().add_accumulation(codes, scales, banks, base, names)
        beats = self.beats["o"][first:]
        self.results[f"results{number}"] = [beat[name] for beat in beats for name in ("data", "user")]
        self.runs[f"run{number}"] = LOST if any(beat["user"] for beat in beats) else OK


def program(config, accumulations=6):
    """Numbers of all banks and of accumulations of one, two, three blocks and so on; the last one fits no window."""
    beyond = (1 << config.exponent_bits) - 1
    made = Numbers(config)
    for bank in range(config.macro.banks):
        name = config.w.names[bank % len(config.w.names)]
        made.load(bank, *made.drawn(name, config.columns, nan_share=0), name)
    made.numbers.append(accumulations)
    for number in range(accumulations):
        names = [config.x.names[index % len(config.x.names)] for index in range(1 + number % config.max_blocks)]
        codes, scales = map(np.concatenate, zip(*(made.drawn(name, 1, nan_share=0) for name in names)))
        made.numbers.append(len(names))
        banks = [index % config.macro.banks for index in range(len(names))]
        made.multiply(codes, scales, banks, None if number < accumulations - 1 else beyond, names)
    return made


@pytest.mark.parametrize("config", some(CONFIGS, 0), ids=lambda config: config.name)
def test_driver_packs_and_runs_blocks(config, tmp_path):
    folder, test = tmp_path / "core", tmp_path / "build" / "block_core_test"
    generate_core(config, folder)
    sources = [folder / name for name in (folder / f"{config.name}.f").read_text(encoding="utf-8").split()]
    drivers = [compile_driver(driver_files(BLOCK_DRIVER), name, tmp_path / name) for name in (DRIVER, BLOCK_DRIVER)]
    compile_program(test, config.name, [*sources, source("block_core_test.cpp"), *drivers], "--prefix", "Vcore",
                    "-CFLAGS", f"-O0 -I{folder} -I{SHIM.parent} -DBUS_{config.bus.upper()}")
    made, blocks = program(config.blocks), config.blocks
    done = subprocess.run([test], input=" ".join(map(str, made.numbers)), text=True, capture_output=True, check=False)
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    printed = dict(lines)
    assert {name: bytes(map(int, printed.pop(name).split())) for name in made.packets} == made.packets
    assert {name: list(map(int, printed.pop(name).split())) for name in made.results} == made.results
    assert {name: int(printed.pop(name)) for name in made.runs} == made.runs
    assert set(made.runs.values()) == {OK, LOST}
    formats = [sum(1 << NUMBER_OF[name] for name in choice.names) for choice in (blocks.x, blocks.w)]
    assert list(map(int, printed.pop("sizes").split())) == [
        blocks.macro.rows, blocks.columns, blocks.macro.banks, blocks.max_blocks, *formats, blocks.result_bits,
        blocks.bias, blocks.max_shift]
    assert printed.pop("text") == BLOCK_CORE_ERRORS[ErrorCode.VECTOR_HEADER]
    assert {(name, text) for name, text in lines if name in PRINTED} == {
        (name, f"{int(value)}") for name, value in PRINTED.items()}
    assert set(printed) == set(PRINTED)


def test_both_drivers_find_their_registers_at_the_same_places():
    """Those that functions of the core's driver access in a block core as well."""
    events = [(name, field) for name in ("interrupt_status", "interrupt_enable") for field in (
        "error", "result", "loaded")]
    ours, others = ({(register.name, field.name): (register.offset, field.mask)
                     for register in package(config).registers for field in register.fields}
                    for config in (FULL, FULL_BLOCK_CORE))
    for name in (*events, ("status", "idle"), ("error", "code"), ("control", "clear_error")):
        assert ours[name] == others[name]
