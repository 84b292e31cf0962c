"""The Tcl for Vivado and Platform Designer, run with commands that only record, says what the table of ports says."""

from itertools import pairwise

import pytest
from bitline.hdl.config import BUS_NAMES, CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.scripts.integration.files import PERIOD_NS
from bitline.scripts.integration.interfaces import package
from bitline.scripts.integration.packages import platform_designer, vivado
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE

tkinter = pytest.importorskip("tkinter", exc_type=ImportError)

MACRO = MacroConfig(rows=3, columns=2)
CORES = [CoreConfig(macro=MACRO, bus=bus, checksum=bus == "axi", output_stream_bits=32,
                    reset="asynchronous" if bus == "apb" else "synchronous") for bus in BUS_NAMES]
CORES += [CoreConfig(macro=MACRO, dma=32), EngineCoreConfig(engine=DEPTHWISE),
          EngineCoreConfig(engine=OUTSIDE[4], reset="asynchronous"),
          BlockCoreConfig(blocks=block_macro("MXFP4", columns=2, input_beat_bits=32), bus="apb")]
SOURCES = ["core.v", "core_memory.v"]
BUS = {"axi": "s_axi", "wishbone": "wb", "apb": "s_apb"}

by_bus = pytest.mark.parametrize("config", CORES, ids=lambda config: config.name)


class Recorder:
    """A Tcl interpreter with the commands of a tool: the methods whose names are in ``COMMANDS``."""

    def __init__(self):
        self.properties, self.calls = {}, []
        self.tcl = tkinter.Tcl()
        for name in self.COMMANDS:
            namespace = name.rpartition("::")[0]
            if namespace:
                self.tcl.eval(f"namespace eval {namespace} {{}}")
            self.tcl.createcommand(name, self._command(name))

    def _command(self, name):
        method = getattr(self, name.replace("::", "_"), None)

        def call(*arguments):
            self.calls.append((name, *arguments))
            return method(*arguments) if method else ""

        return call

    def run(self, text, path):
        """Run a text as the file at a path."""
        path.write_text(text, encoding="utf-8")
        self.tcl.eval(f"source {{{path}}}")
        return self


class Vivado(Recorder):
    """The objects of a packaged IP, by path: the core, its interfaces and maps, and what these have."""

    COMMANDS = ("create_project", "add_files", "current_fileset", "update_compile_order", "close_project",
                "set_property", "get_property", *(f"ipx::{name}" for name in (
                    "package_project", "current_core", "remove_all_bus_interface", "get_memory_maps",
                    "remove_memory_map", "add_bus_interface", "get_bus_interfaces", "add_port_map", "get_port_maps",
                    "add_bus_parameter", "get_bus_parameters", "add_memory_map", "add_address_block",
                    "get_address_spaces", "remove_address_space", "add_address_space",
                    "create_xgui_files", "update_checksums", "check_integrity", "save_core")))

    def __init__(self):
        super().__init__()
        # What it guesses.
        self.properties = {"fileset": {}, "core": {}, "core/bus/guess": {}, "core/map/guess": {"name": "guess"},
                           "core/space/guess": {"name": "guess"}}

    def _add(self, kind):
        def add(name, parent):
            path = f"{parent}/{kind}/{name}"
            assert path not in self.properties and parent in self.properties
            self.properties[path] = {"name": name}
            return path
        return add

    def _get(self, kind):
        def get(name, of, parent):
            path = f"{parent}/{kind}/{name}"
            assert of == "-of_objects" and path in self.properties, path
            return path
        return get

    def __getattr__(self, name):
        action, _, rest = name.removeprefix("ipx_").partition("_")
        kinds = {"bus_interface": "bus", "port_map": "port", "bus_parameter": "parameter", "memory_map": "map",
                 "address_block": "block", "address_space": "space"}
        if name.startswith("ipx_") and action in ("add", "get") and rest.removesuffix("s") in kinds:
            return {"add": self._add, "get": self._get}[action](kinds[rest.removesuffix("s")])
        raise AttributeError(name)

    def current_fileset(self):
        return "fileset"

    def ipx_current_core(self):
        return "core"

    def ipx_get_memory_maps(self, of, core):
        return " ".join(self.children(core, "map").values())

    def ipx_remove_memory_map(self, name, core):
        del self.properties[f"{core}/map/{name}"]

    def ipx_get_address_spaces(self, of, core):
        return " ".join(self.children(core, "space").values())

    def ipx_remove_address_space(self, name, core):
        del self.properties[f"{core}/space/{name}"]

    def ipx_remove_all_bus_interface(self, core):
        for path in self.children(core, "bus").values():
            del self.properties[path]

    def set_property(self, name, value, path):
        self.properties[path][name] = value

    def get_property(self, name, path):
        return self.properties[path][name]

    def children(self, parent, kind):
        """Paths of what an object has, by name."""
        head = f"{parent}/{kind}/"
        return {path.removeprefix(head): path for path in self.properties
                if path.startswith(head) and "/" not in path.removeprefix(head)}

    def values(self, parent, kind, name):
        return {child: self.properties[path][name] for child, path in self.children(parent, kind).items()}


class PlatformDesigner(Recorder):
    """Interfaces and ports of a component."""

    COMMANDS = ("set_module_property", "add_fileset", "set_fileset_property", "add_fileset_file", "add_interface",
                "set_interface_property", "add_interface_port", "set_port_property")

    def __init__(self):
        super().__init__()
        self.interfaces, self.ports, self.filesets, self.module, self.fixed = {}, {}, {}, {}, {}
        self.tcl.eval("package provide qsys 16.1")

    def set_module_property(self, name, value):
        self.module[name] = value

    def add_fileset(self, name, kind, callback, title):
        assert name == kind and not callback
        self.filesets[name] = []

    def set_fileset_property(self, fileset, name, value):
        self.filesets[fileset].append((name, value))

    def add_fileset_file(self, name, kind, how, path):
        list(self.filesets.values())[-1].append((name, kind, how, path))

    def add_interface(self, name, kind, side):
        assert name not in self.interfaces
        self.interfaces[name], self.properties[name] = (kind, side), {}

    def set_interface_property(self, interface, name, value):
        self.properties[interface][name] = value

    def add_interface_port(self, interface, port, role, direction, width):
        assert port not in self.ports and interface in self.interfaces
        self.ports[port] = (interface, role, direction, int(width))

    def set_port_property(self, port, name, value):
        assert port in self.ports
        self.fixed.setdefault(port, {})[name] = value


def check_vivado(config, found):
    """What Vivado was told is what the table of ports says."""
    ports = [port for port in package(config).ports if config.bus != "wishbone" or not port.is_register_bus]
    names = dict.fromkeys(port.interface.split()[1] for port in ports)
    assert list(found.children("core", "bus")) == list(names)
    for name, path in found.children("core", "bus").items():
        own = [port for port in ports if port.interface.split()[1] == name]
        kind = own[0].interface.split()[0]
        leads = any(port.direction == "output" for port in own if port.role in ("TVALID", "ARVALID", "INTERRUPT"))
        head, _, number = kind.rpartition(":")
        assert found.values(path, "port", "physical_name") == {port.role: port.name for port in own}
        assert found.properties[path] == {
            "name": name, "bus_type_vlnv": kind, "abstraction_type_vlnv": f"{head}_rtl:{number}",
            "interface_mode": "master" if leads else "slave",
            **({"slave_memory_map_ref": "registers"} if own[0].is_register_bus else {}),
            **({"master_address_space_ref": name} if name == "m_axi" else {})}
    clock, reset = ("core/bus/aclk", "core/bus/aresetn")
    buses = [name for name in names if name not in ("aclk", "aresetn", "irq")]
    assert found.values(clock, "parameter", "value") == {
        "ASSOCIATED_BUSIF": ":".join(buses), "ASSOCIATED_RESET": "aresetn", "FREQ_HZ": str(10**9 // PERIOD_NS)}
    assert found.properties[f"{clock}/parameter/FREQ_HZ"]["value_resolve_type"] == "user"
    assert found.values(reset, "parameter", "value") == {"POLARITY": "ACTIVE_LOW"}
    assert found.values("core/bus/irq", "parameter", "value") == {"SENSITIVITY": "LEVEL_HIGH"}
    if config.bus == "axi":
        assert found.values("core/bus/s_axi", "parameter", "value") == {"PROTOCOL": "AXI4LITE"}
    if "m_axi" in names:
        address, data = (next(port.width for port in ports if port.name == f"m_axi_{name}")
                         for name in ("araddr", "rdata"))
        assert found.properties["core/space/m_axi"] == {
            "name": "m_axi", "range": {32: "4G", 64: "16E"}[address], "width": str(data)}
        reads = {"READ_WRITE_MODE": "READ_ONLY"} if isinstance(config, EngineCoreConfig) else {}
        assert found.values("core/bus/m_axi", "parameter", "value") == {"PROTOCOL": "AXI4"} | reads
    assert set(found.children("core", "space")) == {"m_axi"} & set(names)
    blocks = {} if config.bus == "wishbone" else {
        "registers": {"name": "registers", "range": "4096", "width": "32", "usage": "register"}}
    assert {name: found.properties[path] for name, path in found.children("core/map/registers", "block").items()
            } == blocks
    assert set(found.children("core", "map")) == set(blocks)


@by_bus
def test_vivado_gets_the_interfaces_of_the_core(config, tmp_path):
    found = Vivado().run(vivado(config, SOURCES, PERIOD_NS), tmp_path / "core.tcl")
    check_vivado(config, found)
    assert [call[-1] for call in found.calls if call[0] == "add_files"] == [str(tmp_path / name) for name in SOURCES]
    assert found.properties["fileset"]["top"] == found.properties["core"]["name"] == config.name
    (arguments,) = (call[1:] for call in found.calls if call[0] == "ipx::package_project")
    options = dict(pairwise(arguments))
    assert (options["-vendor"], options["-library"]) == ("bitline.org", "core")
    assert options["-root_dir"] == str(tmp_path / "vivado_ip")
    assert all(part.isdigit() for part in found.properties["core"]["version"].split("."))
    assert [call[0] for call in found.calls[-5:]] == [
        "ipx::create_xgui_files", "ipx::update_checksums", "ipx::check_integrity", "ipx::save_core", "close_project"]


# Interfaces for data: type and side.
DATA = {"m_axi": ("axi4", "start"), "s_axis": ("axi4stream", "end"), "s_axis_w": ("axi4stream", "end"),
        "m_axis": ("axi4stream", "start")}


def check_component(config, found):
    """What Platform Designer was told is what the table of ports says."""
    assert {name: (direction, width) for name, (_, _, direction, width) in found.ports.items()} == {
        port.name: (port.direction.capitalize(), port.width) for port in package(config).ports}
    names = {port.interface.split()[1] for port in package(config).ports}
    kinds = {"aclk": ("clock", "end"), "aresetn": ("reset", "end"), "irq": ("interrupt", "end"),
             **{name: kind for name, kind in DATA.items() if name in names},
             BUS[config.bus]: ({"axi": "axi4lite", "wishbone": "conduit", "apb": "apb"}[config.bus], "end")}
    fixed = {"s_apb_pprot": "0", "s_apb_pstrb": "15"} if config.bus == "apb" else {}
    if fixed:
        kinds["s_apb_fixed"] = ("conduit", "end")
    assert found.interfaces == kinds
    assert found.fixed == {port: {"TERMINATION": "true", "TERMINATION_VALUE": value} for port, value in fixed.items()}
    assert {port for port, (interface, *_) in found.ports.items() if interface == "s_apb_fixed"} == set(fixed)
    roles = {"CLK": "clk", "RST": "reset_n", "INTERRUPT": "irq"}
    for port in package(config).ports:
        name = "s_apb_fixed" if port.name in fixed else port.interface.split()[1]
        assert found.ports[port.name][:2] == (name, roles.get(port.role, port.role.lower()))
    associated = {"associatedClock": "aclk", "associatedReset": "aresetn"}
    edges = "NONE" if package(config).reset == "asynchronous" else "BOTH"
    expected = dict.fromkeys(kinds, associated) | {
        "aclk": {"clockRate": "0"}, "aresetn": {"associatedClock": "aclk", "synchronousEdges": edges}}
    if config.bus != "wishbone":
        expected["irq"] = {**associated, "associatedAddressablePoint": BUS[config.bus]}
    assert found.properties == expected


@by_bus
def test_platform_designer_gets_the_ports_of_the_core(config, tmp_path):
    found = PlatformDesigner().run(platform_designer(config, SOURCES), tmp_path / "core_hw.tcl")
    check_component(config, found)
    assert found.module["NAME"] == config.name
    files = [("TOP_LEVEL", config.name), *((name, "VERILOG", "PATH", name) for name in SOURCES)]
    assert found.filesets == {"QUARTUS_SYNTH": files, "SIM_VERILOG": files}


@pytest.mark.parametrize("config, old, new", [
    (CORES[0], "TLAST m_axis_tlast", "TLAST s_axis_tlast"),
    (CORES[0], "axis:1.0 master", "axis:1.0 slave"),
    (CORES[0], "remove_memory_map", "get_memory_maps"),
    (CORES[0], "remove_address_space", "get_address_spaces"),
    (CORES[0], "ipx::add_port_map", "ipx::add_map"),
    (CORES[3], "range 4G", "range 2G"),
    (CORES[5], "master_address_space_ref", "slave_memory_map_ref"),
])
def test_what_is_wrong_for_vivado_is_noticed(config, old, new, tmp_path):
    text = vivado(config, SOURCES, PERIOD_NS)
    assert old in text
    with pytest.raises((AssertionError, tkinter.TclError)):
        check_vivado(config, Vivado().run(text.replace(old, new, 1), tmp_path / "core.tcl"))


@pytest.mark.parametrize("old, new", [
    ("Output 32", "Output 31"), ("axi4stream start", "axi4stream end"), ("{port role", "{port"),
    ("associatedAddressablePoint s_axi", ""),
])
def test_what_is_wrong_for_platform_designer_is_noticed(old, new, tmp_path):
    text = platform_designer(CORES[0], SOURCES)
    assert old in text
    with pytest.raises((AssertionError, tkinter.TclError)):
        check_component(CORES[0], PlatformDesigner().run(text.replace(old, new, 1), tmp_path / "core_hw.tcl"))
