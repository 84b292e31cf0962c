"""Tables of `docs/integration.md`, from the tables that the gateware is made of."""

import json
from dataclasses import replace

from ...golden.march_tests import PROGRAMS, backgrounds, program_cycles
from ...hdl.config import BUS_NAMES, CoreConfig, MacroConfig
from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import register_map
from ..common.markdown import table
from ..integration.c_headers import FULL
from ..integration.files import sidecar

# Keys of `NAME.json`.
KEYS = {
    "generator": "name and version of what wrote the files",
    "module": "name of the top module",
    "hash": "hash of the configuration, as in the module's name and in the register `configuration`",
    "fabric": "`generic`, or the fabric whose cells the Verilog has; see [ECP5's cells](#ecp5s-cells)",
    "configuration": "the configuration, of which `bitline generate --core --config` makes the same core again",
    "lanes": "results that the requantizer computes in a cycle",
    "latency": "`macro`: latency of the macro in clock cycles",
    "ports": "of each port `name`, `direction`, `width` in bits and `meaning`",
    "registers": "of each register `name`, `offset` in bytes, `meaning` and `fields`; of each field `name`, `low` "
                 "(lowest bit), `bits`, `reset`, `access` and `meaning`",
    "errors": "meanings of the codes of `error.code`",
}
SIZES = ((16, 16, 2), (64, 64, 2))


def registers_table():
    """Offsets and fields of all registers that a core may have."""
    rows = []
    for register in register_map(FULL):
        fields = ", ".join(f"`{field.name}` {bits_of(field)} {field.access.name.lower()}"
                           for field in sorted(register.fields, key=lambda field: field.low))
        rows.append((f"`{register.offset:#05x}`", f"`{register.name}`", fields))
    return table(("offset", "register", "fields: bits, access"), rows)


def fields_table(registers):
    """Offset, bits, access and meaning of each field of registers."""
    rows = []
    for register in registers:
        head = (f"`{register.offset:#05x}`", f"`{register.name}`")
        for field in sorted(register.fields, key=lambda field: field.low):
            rows.append((*head, f"`{field.name}` {bits_of(field)}", field.access.name.lower(),
                         f"{register.meaning} {field.meaning}" if head[0] else field.meaning))
            head = ("", "")
    return table(("offset", "register", "field, bits", "access", ""), rows)


def signals_table():
    """Ports of each bus, of the streams and of the rest, as (inputs, outputs)."""
    rows = []
    for bus in BUS_NAMES:
        ports = core_ports(CoreConfig(macro=FULL.macro, bus=bus))
        rows.append(_signals(bus, [port for port in ports if port.is_register_bus]))
    ports = core_ports(replace(FULL, dma=0))
    for stream in ("s_axis", "s_axis_w", "m_axis"):
        rows.append(_signals(f"`{stream}`", [port for port in ports if port.interface.endswith(f" {stream}")]))
    rows.append(_signals("`m_axi`", [port for port in core_ports(FULL) if port.interface.endswith(" m_axi")]))
    rows.append(_signals("others", [port for port in ports if port.name in ("aclk", "aresetn", "irq")]))
    return table(("", "inputs", "outputs"), rows)


def keys_table():
    """Keys of `NAME.json`."""
    assert set(KEYS) == set(json.loads(sidecar(FULL)))
    return table(("key", "contents"), [(f"`{key}`", meaning) for key, meaning in KEYS.items()])


def durations_table():
    """Clock cycles of zeroize and self-tests in cores with 64-bit streams."""
    rows = []
    for row_count, column_count, banks in SIZES:
        config = CoreConfig(macro=MacroConfig(rows=row_count, columns=column_count, banks=banks))
        cycles = (f"{program_cycles(config, program):,}" for program in PROGRAMS)
        rows.append((f"{row_count} x {column_count} x {banks}", *cycles))
    return table(("rows x columns x banks", *(f"`{program}`" for program in PROGRAMS)), rows)


def durations_sentence():
    """What these cycles are made of; cycles that an operation takes in any core are found from `program_cycles`."""
    config = CoreConfig(macro=MacroConfig(rows=1, columns=1))
    cycles = {program: program_cycles(config, program) for program in PROGRAMS}
    # A program takes the same start, and then as many cycles for each row.
    start = 2 * cycles["zeroize"] - program_cycles(replace(config, macro=replace(config.macro, rows=2)), "zeroize")
    operations = " ".join(names for _, names in PROGRAMS["march_ss"]).split()
    reads = sum(name.startswith("r") for name in operations)
    writes = len(operations) - reads
    pair = cycles["zeroize"] - start
    march = (cycles["march_ss"] - start) // len(backgrounds(config.macro.weight_bits, 1))
    # Of two equations: ``pair = write + read``, and ``march = writes * write + reads * read``.
    read = (march - writes * pair) // (reads - writes)
    # A row and a vector of this core are a beat each.
    write_more, read_more = pair - read - 1, read - 1 - config.macro.latency - config.groups
    return (f"In general they are {start}, and for each row of every bank the sum of its operations, for a march once "
            f"with each background: a write takes {write_more} cycles and one for each beat of a row, and a read "
            f"`{read_more} + latency + groups` cycles and one for each beat of a vector, where `groups` is "
            "`ceil(columns / lanes)`.")


def bits_of(field):
    """The bits of a field, as documents have them."""
    high = field.low + field.bits - 1
    return f"{high}:{field.low}" if field.bits > 1 else f"{field.low}"


def _signals(title, ports):
    def named(direction):
        return ", ".join(f"`{port.name}`" + (f" {port.width}" if port.width > 1 else "")
                         for port in ports if port.direction == direction)
    return title, named("input"), named("output")
