"""Bitstreams converted back to Verilog."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from .flow import FlowError, run_tool

# Functions of Gowin pins that can be used as ports of a macro.
FREE = ("GCLK", "LPLL", "RPLL")


def require_unpacker(family):
    """FlowError, with the install command, if the program that unpacks a family's bitstreams is missing."""
    if family == "ice40" and shutil.which("icebox_vlog") is None:
        raise FlowError("icebox_vlog not found: apt-get install fpga-icestorm")


def constrain(device, pins):
    """Pins of the device for the bits of a macro's ports.

    Parameters
    ----------
    device : Device
    pins : iterable of str
        Bits, the clock first.

    Returns
    -------
    (constraints, places)
        Constraints for nextpnr, None if it shall choose the pins, and the location of each bit by its name.

    Raises
    ------
    FlowError
        The device has not enough pins.
    """
    if device.family != "gowin":
        return None, {}
    free = _gowin_pins()
    if len(pins) > len(free):
        raise FlowError(f"the macro must have at most {len(free)} pins ({device.name}), not {len(pins)}")
    places = dict(zip(pins, free))
    constraints = "".join(f'IO_LOC "{bit}" {free[place]};\n' for bit, place in places.items())
    return constraints, places


def _gowin_pins():
    """Numbers of the free pins of the GW1NR-9C in QN88P by their place, those that feed clock nets first."""
    try:
        import apycula
        from apycula.chipdb import load_chipdb
    except ImportError:
        raise FlowError("apycula not found: pip install -e '.[fpga]'") from None
    database = load_chipdb(str(Path(apycula.__file__).parent / "GW1N-9C.msgpack.xz"))
    pinout = database.pinout["GW1NR-9C"]["QFN88P"]
    pins = [(not any(name.startswith("GCLKT") for name in functions), int(number), place)
            for number, (place, functions) in pinout.items() if all(name.startswith(FREE) for name in functions)]
    return {place: number for _, number, place in sorted(pins)}


def unpack_ice40(routed, bitstream, places):
    """The circuit of an iCE40 bitstream, through ``icebox_vlog``.

    Returns
    -------
    (verilog, connections)
        Its module ``chip``; the port of ``chip`` for each bit of the macro's ports.
    """
    folder = routed.folder
    run_tool("yowasp-iceunpack", [bitstream.name, "unpacked.asc"], folder, "unpack.log")
    done = subprocess.run(["icebox_vlog", "-s", "unpacked.asc"], cwd=folder, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise FlowError(f"icebox_vlog must accept the bitstream, and does not: {reason} (in {folder})")
    # The bitstream has no names; nextpnr's output has the locations of the ports.
    cells = _routed(folder)["cells"]
    connections = {}
    for name, cell in cells.items():
        if cell["type"] == "SB_IO":
            x, y, z = re.fullmatch(r"X(\d+)/Y(\d+)/io(\d)", cell["attributes"]["NEXTPNR_BEL"]).groups()
            pin = f"io_{x}_{y}_{z}"
            # icebox_vlog omits unused inputs.
            if re.search(rf"put {pin}\b", done.stdout):
                connections[name.removesuffix("$sb_io")] = pin
    return done.stdout, connections


def unpack_gowin(routed, bitstream, places):
    """The circuit of a Gowin bitstream, through ``gowin_unpack``; as `unpack_ice40`.

    The program does not understand the bitstream's arithmetic LUTs, clock spines and long wires. The first are built
    from the configuration bits that it reads with arithmetic ignored; the drivers of the others are taken from
    nextpnr.
    """
    folder = routed.folder
    for name, options in (("arithmetic.v", ["--cst", "places.cst"]), ("chip.v", ["--noalu"])):
        run_tool("gowin_unpack", [*routed.device.pack_arguments, *options, "-o", name, bitstream.name], folder,
                 "unpack.log")
    arithmetic = (folder / "arithmetic.v").read_text(encoding="utf-8")
    text = (folder / "chip.v").read_text(encoding="utf-8").replace("module top(", "module chip(", 1)
    text = _with_carries(text, re.findall(r"^ALU R(\d+)C(\d+)_ALU_(\d) \(", arithmetic, re.MULTILINE))
    text = _with_routes(text, _routed(folder))
    names = {place: name for name, place in re.findall(r'IO_LOC "(\w+)" (\w+);',
                                                       (folder / "places.cst").read_text(encoding="utf-8"))}
    connections = {}
    for bit, place in places.items():
        tile, direction, half = re.fullmatch(r"(R\d+C\d+)_([IO])BUF_([AB])", names[place]).groups()
        connections[bit] = f"{tile}_{direction}{half}"
    return text, connections


def _with_carries(text, places):
    """Replace plain LUTs and constants by arithmetic LUTs at these locations (row, column, index)."""
    bits = dict(re.findall(r"^defparam (R\d+C\d+_LUT4_\d)\.INIT = (16'h[0-9a-f]{4});$", text, re.MULTILINE))
    gone, carries = set(), []
    for row, column, index in places:
        tile, index = f"R{row}C{column}", int(index)
        after = f"{tile}_CIN{index + 1}" if index < 5 else f"R{row}C{int(column) + 1}_CIN0"
        inputs = ", ".join(f".{pin}({tile}_{pin}{index})" for pin in ("A", "B", "C", "D", "CIN", "F"))
        lut = f"{tile}_LUT4_{index}"
        gone |= {lut, f"{tile}_F{index}"}
        carries.append(f"GOWIN_CARRY #(.INIT({bits.get(lut, 0)})) {tile}_CARRY_{index} ({inputs}, .COUT({after}));\n")

    def keep(match):
        return "" if match[1] in gone else match[0]

    text = re.sub(r"^LUT4 (\w+) \([^;]*;\ndefparam [^;]*;\n", keep, text, flags=re.MULTILINE)
    text = re.sub(r"^assign (\w+) = VSS;\n", keep, text, flags=re.MULTILINE)
    return text.replace("endmodule", "".join(carries) + "endmodule", 1)


def _with_routes(text, module):
    """Replace each clock spine and long wire by the driver of its net, as nextpnr routed it."""
    drivers = {}
    for net in module["netnames"].values():
        fields = net["attributes"].get("ROUTING", "").split(";")
        pips = list(zip(fields[::3], fields[1::3]))
        source = next((wire for wire, pip in pips if wire and not pip), None)
        drivers |= {_tile_wire(pip): _tile_wire(source) for _, pip in pips if pip and source}

    def drive(match):
        return f"assign {match[1]} = {drivers.get(match[1].strip('`'), match[2])};"

    return re.sub(r"^assign (`?\w+) = (`?R\d+C\d+_(?:LB|SPINE)\d+);", drive, text, flags=re.MULTILINE)


def _tile_wire(name):
    """The name in ``gowin_unpack`` of a wire of nextpnr, such as ``X1Y2/F3``."""
    x, y, wire = re.match(r"X(\d+)Y(\d+)/(\w+)", name).groups()
    # Wires between tiles: nextpnr numbers their taps, the first of which gives the wire its name.
    wire = re.sub(r"^([NSEW][128]\d)0$", r"\1", wire)
    return f"R{int(y) + 1}C{int(x) + 1}_{wire}"


def _routed(folder):
    """The module that nextpnr routed."""
    modules = json.loads((folder / "routed.json").read_text(encoding="utf-8"))["modules"]
    return max(modules.values(), key=lambda module: len(module["cells"]))


UNPACKERS = {"ice40": unpack_ice40, "gowin": unpack_gowin}
