"""C drivers, and the headers of their registers and errors: what is the same in every core of a kind, and what is
a core's own."""

from dataclasses import replace
from pathlib import Path

from ...golden.engine.image import Fault
from ...golden.formats.blocks import FORMATS, NUMBER_OF
from ...golden.formats.packets import HEADER
from ...hdl.block_core.register_map import BLOCK_CORE_ERRORS, BLOCK_CORE_IDENTITY, block_core_register_map
from ...hdl.config import CoreConfig, MacroConfig
from ...hdl.config.block_core import INPUT_BEAT_BITS, BlockCoreConfig
from ...hdl.config.engine import default_engine
from ...hdl.config.formats import block_macro
from ...hdl.csr.register_map import CORE_ERRORS, CORE_IDENTITY, FORMER_NAMES, register_map
from ...hdl.engine.trace import ENTRY_WORDS
from ...hdl.engine_core.register_map import ENGINE_ERRORS, ENGINE_IDENTITY, engine_register_map

DRIVER, ENGINE_DRIVER, BLOCK_DRIVER = "bitline_core", "bitline_engine", "bitline_block_core"
# It has every register and every field that any core has, the widest of each.
FULL = CoreConfig(macro=MacroConfig(rows=2, columns=2), output="int16", checksum=True, dma=64)
FULL_ENGINE = replace(default_engine(), weight_port=4)
# All block cores have the same registers.
FULL_BLOCK_CORE = BlockCoreConfig(blocks=block_macro("MXFP4", columns=2, input_beat_bits=INPUT_BEAT_BITS))
DRIVERS = Path(__file__).resolve().parent / "drivers"


def driver_files(driver):
    """The files of a driver, which are the same for every core of its kind, by name.

    Parameters
    ----------
    driver : str
        `DRIVER`, `ENGINE_DRIVER` or `BLOCK_DRIVER`, which needs the first.
    """
    headers = {
        DRIVER: {"registers": registers_header, "errors": lambda: errors_header(DRIVER, CORE_ERRORS)},
        ENGINE_DRIVER: {"registers": engine_registers_header, "codes": engine_codes_header},
        BLOCK_DRIVER: {"registers": block_core_registers_header, "formats": formats_header,
                       "errors": lambda: errors_header(BLOCK_DRIVER, BLOCK_CORE_ERRORS)},
    }[driver]
    files = {f"{driver}{end}": (DRIVERS / f"{driver}{end}").read_text(encoding="utf-8") for end in (".h", ".c")}
    files |= {f"{driver}_{name}.h": header() for name, header in headers.items()}
    return driver_files(DRIVER) | files if driver == BLOCK_DRIVER else files


def registers_header():
    """Offsets, masks and positions, which are the same in every core: `bitline_core_registers.h`.

    ``PREFIX__REGISTER__FIELD_bm``, ``_bp`` and ``_bw`` are a field's mask, lowest bit and number of bits.
    """
    former = ["/* Deprecated: former names, which the next release does not have. */"]
    former += [f"#define {_macro(DRIVER, former)}_{suffix} {_macro(DRIVER, name)}_{suffix}"
               for former, name in FORMER_NAMES.items() for suffix in ("bm", "bp", "bw")]
    return _registers(DRIVER, register_map(FULL), CORE_IDENTITY, [*former, ""], " Some cores lack some of them.")


def engine_registers_header():
    """The same of engines: `bitline_engine_registers.h`."""
    return _registers(ENGINE_DRIVER, engine_register_map(FULL_ENGINE), ENGINE_IDENTITY,
                      note=" Some engines lack some of them.")


def block_core_registers_header():
    """The same of block cores: `bitline_block_core_registers.h`."""
    return _registers(BLOCK_DRIVER, block_core_register_map(FULL_BLOCK_CORE), BLOCK_CORE_IDENTITY)


def formats_header():
    """Formats, and fields of the headers of blocks: `bitline_block_core_formats.h`."""
    prefix, low, fields = BLOCK_DRIVER.upper(), 0, []
    for name, bits in HEADER.items():
        fields += [f"#define {prefix}_HEADER__{name.upper()}_{suffix} {value}u" for suffix, value in (
            ("bp", low), ("bw", bits))]
        low += bits
    code_bits = ", ".join(str(each.element.bits) for each in FORMATS.values())
    return _guarded(f"{BLOCK_DRIVER}_formats", [
        *_enumeration(f"{BLOCK_DRIVER}_format", prefix, NUMBER_OF), "", "/* Bits of a code of each. */",
        f"#define {prefix}_CODE_BITS {{{code_bits}}}", "",
        "/* Fields of the header of a block: lowest bit, and number of bits. */", *fields, ""])


def engine_codes_header():
    """Faults, errors of accesses, and words of an entry of the trace: `bitline_engine_codes.h`."""
    prefix = ENGINE_DRIVER.upper()
    errors = {code.name: code for code in ENGINE_ERRORS}
    lines = [f"#define {prefix}_ENTRY_WORDS {ENTRY_WORDS}u", "",
             *_enumeration(f"{ENGINE_DRIVER}_fault_code", f"{prefix}_FAULT", Fault.__members__), "",
             *_enumeration(f"{ENGINE_DRIVER}_error", f"{prefix}_ERROR", errors), ""]
    return _guarded(f"{ENGINE_DRIVER}_codes", lines)


def _enumeration(name, prefix, numbers):
    return [f"enum {name} {{", *(f"    {prefix}_{each} = {number:d}," for each, number in numbers.items()), "};"]


def _registers(driver, registers, identity, more=(), note=""):
    """Masks and positions of all fields, and a structure of the registers."""
    lines = []
    for register in registers:
        lines += ["", f"/* {register.name}: {register.meaning} */"]
        for field in sorted(register.fields, key=lambda field: field.low):
            name = _macro(driver, f"{register.name}.{field.name}")
            lines += [f"#define {name}_bm {field.mask:#x}u", f"#define {name}_bp {field.low}u",
                      f"#define {name}_bw {field.bits}u"]
    lines += [f"#define {_macro(driver, 'identity.identity')}_reset {identity:#x}u", "", *more,
              f"/* Each register at its offset.{note} */", *_structure(driver, registers), ""]
    return _guarded(f"{driver}_registers", ["#include <stdint.h>", *lines])


def values_header(name, driver, registers):
    """Values of a core's fields after a reset, constants among them: `NAME_registers.h`."""
    lines = [f"#include \"{driver}_registers.h\"", "", "/* Values after a reset. */"]
    lines += [f"#define {_macro(name, f'{register.name}.{field.name}')}_reset {field.reset:#x}u"
              for register in registers for field in register.fields]
    return _guarded(f"{name}_registers", [*lines, ""])


def errors_header(driver, errors):
    """Error codes and their meanings: `bitline_core_errors.h`, or that of block cores."""
    prefix = driver.upper()
    rows = " \\\n".join(f'    X({code.name}, {code.value}, "{meaning}")' for code, meaning in sorted(errors.items()))
    return _guarded(f"{driver}_errors", [
        "/* Name, code, meaning. */", f"#define {prefix}_ERRORS(X) \\\n{rows}", "",
        f"#define {prefix}_ERROR_CODE(name, code, text) {prefix}_ERROR_##name = code,",
        f"enum {driver}_error {{ {prefix}_ERRORS({prefix}_ERROR_CODE) }};",
        f"#undef {prefix}_ERROR_CODE", ""])


def _macro(prefix, path):
    return f"{prefix}.{path}".replace(".", "__").upper()


def _structure(driver, registers):
    """A type whose members are the registers, with gaps."""
    lines, offset = ["typedef struct {"], 0
    for register in registers:
        if register.offset > offset:
            lines.append(f"    uint32_t reserved_{offset:x}[{(register.offset - offset) // 4}];")
        lines.append(f"    uint32_t {register.name}; /* {register.offset:#05x} */")
        offset = register.offset + 4
    return [*lines, f"}} {driver}_t;"]


def _guarded(name, lines):
    guard = f"{name.upper()}_H"
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", "", *lines, "#endif", ""])
