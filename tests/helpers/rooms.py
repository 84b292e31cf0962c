"""The rooms, which are folders, in their order; and the modules in them."""

import tomllib

from places import ROOT

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
# A room is the files of a folder without those of the rooms in it.
ROOMS = [
    "golden", "golden.kernels", "golden.formats", "golden.transformer", "golden.engine", "hdl.config", "hdl.fabric",
    "hdl.columns", "hdl.macro", "hdl.csr", "hdl.axi", "hdl.bist", "hdl.core", "hdl.engine.control", "hdl.engine.memory",
    "hdl.engine.compute", "hdl.engine", "hdl.engine_core", "hdl.formats", "hdl.block_core", "hdl", "hdl.measure",
    "hdl.clocking", "hdl.flash", "hdl.uart_bridge",
    "constraints", "verif", "verif.sim", "verif.macro", "verif.csr", "verif.core", "verif.axi", "verif.driver",
    "verif.engine", "verif.formats", "verif.soc", "verif.fault_injection", "verif.formal", "host.network",
    "host.network.operators", "host.network.onnx_operators",
    "host.network.files", "host.mapping", "host.transformer", "host.engine", "host.board", "verif.link", "host",
    "scripts.common",
    "scripts.fpga", "scripts.asic.cells", "scripts.asic", "scripts.asic.views", "scripts.layout", "scripts.explore",
    "scripts.integration", "scripts.documents", "scripts.kit",
    "scripts.peers", "scripts.reports", "scripts.mutation", "scripts.fuzzing",
    "scripts.commands", "scripts",
]


def read(folder, name):
    """The text of each module of a folder, by its full name."""
    return {".".join((name, *path.relative_to(ROOT / folder).with_suffix("").parts)): path.read_text(encoding="utf-8")
            for path in (ROOT / folder).rglob("*.py")}


MODULES = {module: text for name, folder in SETUPTOOLS["package-dir"].items()
           for module, text in read(folder, name).items()}


def room_of(name):
    """The number of the room of a module, or of a name in one; None if it is not Bitline's."""
    found = [room for room in ROOMS if f"{name}.".startswith(f"bitline.{room}.")]
    return ROOMS.index(max(found, key=len)) if found else None
