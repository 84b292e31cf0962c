"""A testbench that is written beside a core: SystemVerilog with vectors and the golden model's results."""

from pathlib import Path

import numpy as np

from ...golden.bits import limits
from ...golden.core import CoreModel, padded, parameters_bytes, rows_bytes, vector_bytes
from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import CORE_IDENTITY, register_map

VECTORS = 8
TEMPLATE = Path(__file__).resolve().parent / "testbench.sv.in"
ACCESSES = """
    reg [31:0] word;
    task write(input [11:0] address, input [31:0] data);
        access(address, 1, data);
    endtask

    task read(input [11:0] address);
        access(address, 0, 0);
    endtask
"""
# Tasks that access a register; `read` leaves its value in `word`.
BUS_TASKS = {
    "axi": """
    reg [31:0] word;
    reg was_awready, was_wready;
    task write(input [11:0] address, input [31:0] data);
        begin
            s_axi_awaddr = address;
            s_axi_wdata = data;
            s_axi_awvalid = 1;
            s_axi_wvalid = 1;
            while (s_axi_awvalid || s_axi_wvalid) begin
                was_awready = s_axi_awready;
                was_wready = s_axi_wready;
                tick;
                if (was_awready) s_axi_awvalid = 0;
                if (was_wready) s_axi_wvalid = 0;
            end
            while (!s_axi_bvalid) tick;
            if (s_axi_bresp !== 0) fail("a write is refused");
            tick;
        end
    endtask

    task read(input [11:0] address);
        begin
            s_axi_araddr = address;
            s_axi_arvalid = 1;
            while (!s_axi_arready) tick;
            tick;
            s_axi_arvalid = 0;
            while (!s_axi_rvalid) tick;
            if (s_axi_rresp !== 0) fail("a read is refused");
            word = s_axi_rdata;
            tick;
        end
    endtask
""",
    "wishbone": ACCESSES + """
    task access(input [11:0] address, input is_write, input [31:0] data);
        begin
            wb_adr = address;
            wb_we = is_write;
            wb_dat_w = data;
            wb_cyc = 1;
            wb_stb = 1;
            tick;
            while (!wb_ack && !wb_err) tick;
            if (wb_err) fail("an access is refused");
            word = wb_dat_r;
            tick;
            wb_cyc = 0;
            wb_stb = 0;
        end
    endtask
""",
    "apb": ACCESSES + """
    task access(input [11:0] address, input is_write, input [31:0] data);
        begin
            s_apb_paddr = address;
            s_apb_pwrite = is_write;
            s_apb_pwdata = data;
            s_apb_psel = 1;
            tick;
            s_apb_penable = 1;
            #1;
            while (!s_apb_pready) tick;
            if (s_apb_pslverr) fail("an access is refused");
            word = s_apb_prdata;
            tick;
            s_apb_psel = 0;
            s_apb_penable = 0;
        end
    endtask
""",
}
# Inputs that are not zero from the start on.
ONES = ("s_axi_bready", "s_axi_rready", "s_axi_wstrb", "s_apb_pstrb", "wb_sel", "s_axis_tkeep", "s_axis_w_tkeep")


def testbench(config):
    """SystemVerilog of the module ``NAME_tb``: random weights and vectors, and what the golden model makes of them."""
    model, loads, vectors, settings = stimulus(config)
    expected = [model.vector(x, bits=config.macro.input_bits, signed=True, bank=0, set=0)[0] for x in vectors]
    registers = {register.name: register for register in register_map(config)}
    data = {"loads": [data for data, _ in loads], "vectors": [vector_bytes(config, x) for x in vectors],
            "results": expected}
    bits = {"loads": config.weight_stream_bits, "vectors": config.input_stream_bits,
            "results": config.output_stream_bits}
    beats = {name: [beats_of(each, bits[name]) for each in items] for name, items in data.items()}
    counts = {name: sum(map(len, items)) for name, items in beats.items()}
    steps, first = [], 0
    for (_, where), items in zip(loads, beats["loads"]):
        steps.append(f"load({first}, {len(items)}, {literal(word(registers['load'], **where))});")
        first += len(items)
    steps += [f"write({literal(registers[name].offset, 12)}, {literal(word(registers[name], **fields))});"
              for name, fields in settings.items()]
    values = {
        "NAME": config.name, "VECTORS": VECTORS, "WEIGHT_BITS": bits["loads"], "INPUT_BITS": bits["vectors"],
        "OUTPUT_BITS": bits["results"], "LOAD_BEATS": counts["loads"], "VECTOR_BEATS": len(beats["vectors"][0]),
        "RESULT_BEATS": len(beats["results"][0]), "TIMEOUT": timeout_cycles(config, counts),
        "SIGNALS": signals(config), "PINS": ",\n".join(f"        .{port.name}({port.name})"
                                                       for port in core_ports(config)),
        "DATA": "\n".join(f"        {name}[{index}] = {bits[name]}'h{beat:x};" for name, items in beats.items()
                          for index, beat in enumerate(beat for item in items for beat in item)),
        "BUS": BUS_TASKS[config.bus].strip("\n"),
        "LOADING": literal(word(registers["status"], loading=1)), "IDENTITY_WORD": literal(CORE_IDENTITY),
        "STEPS": "\n".join(f"        {step}" for step in steps),
        **{name.upper(): literal(registers[name].offset, 12) for name in ("load", "status", "identity", "error")},
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def stimulus(config):
    """What the testbench does.

    Returns
    -------
    model : CoreModel
        With bank 0 and set 0 loaded.
    loads : list of (bytes, dict)
        What is loaded, and the fields of the register ``load``.
    vectors : list of array
    settings : dict of str to dict
        Fields of other registers, by name.
    """
    rng, macro = np.random.default_rng(1), config.macro
    minimum, maximum = limits(macro.weight_bits, True)
    weights = rng.integers(minimum, maximum + 1, (macro.rows, macro.columns))
    model, loads = CoreModel(config), [(rows_bytes(config, weights), {"bank": 0})]
    for row, values in enumerate(weights):
        model.macro.write(0, row, values)
    settings = {"vector": {"bits": macro.input_bits, "signed": 1, "bank": 0, "set": 0}, "accumulate": {"count": 1}}
    if config.requantizes:
        columns = macro.columns
        shift = min(0, config.output_bits - macro.total_width + 2)
        parameters = (rng.integers(-9, 10, columns), rng.integers(1 << 30, 1 << 31, columns),
                      np.full(columns, max(-31, shift)))
        low, high = limits(config.output_bits, True)
        model.parameters[0] = parameters
        model.settings[0] = {"zero_point": 1, "low": low, "high": high, "rounding": "single"}
        loads.append((parameters_bytes(config, *parameters), {"parameters": 1, "set": 0}))
        settings |= {"offset_0": {"zero_point": 1}, "clamp_0": {"low": low, "high": high}}
    minimum, maximum = limits(macro.input_bits, True)
    vectors = [np.full(macro.rows, minimum), np.full(macro.rows, maximum),
               *rng.integers(minimum, maximum + 1, (VECTORS - 2, macro.rows))]
    return model, loads, vectors, settings


def timeout_cycles(config, counts):
    """Cycles in which it has ended: more than twice as many as it takes."""
    macro = config.macro
    fills = macro.rows * (16 + macro.table_fill_cycles)
    return 10000 + 4 * sum(counts.values()) + 4 * fills + 4 * VECTORS * (macro.input_bits + config.groups)


def word(register, **fields):
    """A register's word with some fields, the others zero."""
    return sum((fields[field.name] << field.low) & field.mask for field in register.fields if field.name in fields)


def literal(value, bits=32):
    """A constant in Verilog."""
    return f"{bits}'h{value:x}"


def beats_of(data, bits):
    """Bytes as beats of a stream, integers; the last padded with zeros."""
    data = padded(data, bits)
    return [int.from_bytes(data[first:first + bits // 8], "little") for first in range(0, len(data), bits // 8)]


def signals(config):
    """Declarations of what connects to the core; inputs have their values from the start on."""
    lines = []
    for port in core_ports(config):
        if port.name in ("aclk", "aresetn"):
            continue
        width = f"[{port.width - 1}:0] " if port.width > 1 else ""
        value = f" = {{{port.width}{{1'b1}}}}" if port.name in ONES else " = 0"
        kind, value = ("reg", value) if port.direction == "input" else ("wire", "")
        lines.append(f"    {kind} {width}{port.name}{value};")
    return "\n".join(lines)
