"""C headers of the registers and errors: what is the same in every core or engine, for the driver, and what is a core's
own."""

from dataclasses import replace

from ...golden.engine.image import Fault
from ...hdl.block_core.register_map import BLOCK_CORE_IDENTITY
from ...hdl.config import CoreConfig, MacroConfig
from ...hdl.config.engine import default_engine
from ...hdl.csr.register_map import CORE_ERRORS, CORE_IDENTITY, FORMER_NAMES, register_map
from ...hdl.engine.trace import ENTRY_WORDS
from ...hdl.engine_core.register_map import ENGINE_ERRORS, ENGINE_IDENTITY, engine_register_map

DRIVER, ENGINE_DRIVER, BLOCK_CORE = "bitline_core", "bitline_engine", "bitline_block_core"
# It has every register and every field that any core has, the widest of each.
FULL = CoreConfig(macro=MacroConfig(rows=2, columns=2), output="int16", checksum=True, dma=64)
FULL_ENGINE = replace(default_engine(), weight_port=4)


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


def block_core_registers_header(registers):
    """The same of block cores: `bitline_block_core_registers.h`."""
    return _registers(BLOCK_CORE, registers, BLOCK_CORE_IDENTITY)


def engine_codes_header():
    """Faults, errors of accesses, and words of an entry of the trace: `bitline_engine_codes.h`."""
    prefix = ENGINE_DRIVER.upper()
    lines = [f"#define {prefix}_ENTRY_WORDS {ENTRY_WORDS}u", "",
             *_enumeration("fault_code", f"{prefix}_FAULT", Fault), "",
             *_enumeration("error", f"{prefix}_ERROR", ENGINE_ERRORS), ""]
    return _guarded(f"{ENGINE_DRIVER}_codes", lines)


def _enumeration(name, prefix, members):
    return [f"enum {ENGINE_DRIVER}_{name} {{", *(f"    {prefix}_{each.name} = {each.value}," for each in members), "};"]


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


def values_header(config):
    """Values of a core's fields after a reset, constants among them: `NAME_registers.h`."""
    lines = [f"#include \"{DRIVER}_registers.h\"", "", "/* Values after a reset. */"]
    lines += [f"#define {_macro(config.name, f'{register.name}.{field.name}')}_reset {field.reset:#x}u"
              for register in register_map(config) for field in register.fields]
    return _guarded(f"{config.name}_registers", [*lines, ""])


def errors_header():
    """Error codes and their meanings: `bitline_core_errors.h`."""
    prefix = DRIVER.upper()
    rows = " \\\n".join(f'    X({code.name}, {code.value}, "{meaning}")' for code, meaning in CORE_ERRORS.items())
    return _guarded(f"{DRIVER}_errors", [
        "/* Name, code, meaning. */", f"#define {prefix}_ERRORS(X) \\\n{rows}", "",
        f"#define {prefix}_ERROR_CODE(name, code, text) {prefix}_ERROR_##name = code,",
        f"enum {DRIVER}_error {{ {prefix}_ERRORS({prefix}_ERROR_CODE) }};",
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
