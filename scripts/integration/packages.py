"""A core or engine as a package for the tools of FPGA vendors: Tcl for Vivado, and for Platform Designer in Quartus."""

from dataclasses import replace
from importlib.metadata import version

from ...hdl.core.top import VIVADO_BUSES
from ...hdl.csr.register_map import BUS_ADDRESS_BITS
from .interfaces import LIBRARY, VENDOR, Interface, interfaces, package
from .simulation import filled

# Vivado has no such bus: its ports remain single ones.
WISHBONE = VIVADO_BUSES["wishbone"]
# Of Platform Designer: the type of an interface, and the role of a port where it is not the bus's in small letters. All
# others are conduits.
TYPES = {
    "xilinx.com:signal:clock:1.0": ("clock", {"CLK": "clk"}),
    "xilinx.com:signal:reset:1.0": ("reset", {"RST": "reset_n"}),
    "xilinx.com:signal:interrupt:1.0": ("interrupt", {"INTERRUPT": "irq"}),
    "xilinx.com:interface:axis:1.0": ("axi4stream", {}),
    VIVADO_BUSES["axi"]: ("axi4lite", {}),
    VIVADO_BUSES["apb"]: ("apb", {}),
}
# Ports of APB4 that its APB does not have, and their values: every byte is written.
FIXED = {"s_apb_pprot": 0, "s_apb_pstrb": 15}
# Edges of a reset that must come with the clock.
EDGES = {"synchronous": "BOTH", "asynchronous": "NONE"}


def vivado(config, verilog, period_ns):
    """Tcl that packages a core or engine whose Verilog is in the files ``verilog``, for a clock of ``period_ns``."""
    # The version of an IP has two numbers, and a revision.
    *numbers, revision = version("bitline").split(".")[:3]
    known = [interface for interface in interfaces(config) if interface.kind != WISHBONE]
    registers = "".join(filled("vivado_registers.tcl.in", {"BUS": interface.name, "RANGE": 1 << BUS_ADDRESS_BITS})
                        for interface in known if interface.is_register_bus)
    spaces = "".join(filled("vivado_space.tcl.in", {"BUS": interface.name, "WIDTH": interface.data_bits,
                                                    "RANGE": _range(interface.address_bits)})
                     for interface in known if interface.address_bits)
    return filled("vivado.tcl.in", {
        **_described(config, verilog), "VERSION": ".".join(numbers), "REVISION": revision, "VENDOR": VENDOR,
        "LIBRARY": LIBRARY, "MEMORY": registers + spaces,
        "INTERFACES": "\n".join(_vivado_interface(interface, known, period_ns) for interface in known)})


def _range(bits):
    """The number of bytes with addresses of so many bits, as Vivado has it, which computes with 64 bits: 4G or 16E."""
    return f"{1 << bits % 10}{' KMGTPE'[bits // 10]}"


def _vivado_interface(interface, known, period_ns):
    parameters = dict(interface.parameters)
    if "ASSOCIATED_BUSIF" in parameters:
        names = [other.name for other in known]
        associated = (name for name in parameters["ASSOCIATED_BUSIF"].split(":") if name in names)
        parameters |= {"ASSOCIATED_BUSIF": ":".join(associated), "FREQ_HZ": 10**9 // period_ns}
    if interface.kind == VIVADO_BUSES["axi"]:
        parameters["PROTOCOL"] = "AXI4LITE" if interface.is_register_bus else "AXI4"
        if not any(port.role == "AWVALID" for port in interface.ports):
            parameters["READ_WRITE_MODE"] = "READ_ONLY"
    return (f"add_bus {interface.name} {interface.kind} {'master' if interface.leads else 'slave'} "
            f"{_rows((port.role, port.name) for port in interface.ports)} {_rows(parameters.items())}\n")


def platform_designer(config, verilog):
    """The component's Tcl, of a core or engine whose Verilog is in the files ``verilog``."""
    found = [part for interface in interfaces(config) for part in _without_fixed(interface)]
    fixed = [f"set_port_property {port} {name} {value}\n" for port, level in FIXED.items()
             if any(port == each.name for interface in found for each in interface.ports)
             for name, value in (("TERMINATION", "true"), ("TERMINATION_VALUE", level))]
    return filled("hw.tcl.in", {
        **_described(config, verilog), "VERSION": version("bitline"),
        "INTERFACES": "\n".join([*(_component_interface(config, interface) for interface in found), "".join(fixed)])})


def _without_fixed(interface):
    """An interface, and behind it a conduit of those of its ports that it does not have there."""
    fixed = tuple(port for port in interface.ports if port.name in FIXED)
    rest = tuple(port for port in interface.ports if port not in fixed)
    conduit = [Interface(f"{interface.name}_fixed", "conduit", fixed)] if fixed else []
    return [replace(interface, ports=rest), *conduit]


def _component_interface(config, interface):
    kind, roles = TYPES.get(interface.kind, ("conduit", {}))
    if kind == "axi4lite" and not interface.is_register_bus:
        kind = "axi4"
    properties = {"clockRate": 0} if kind == "clock" else {"associatedClock": "aclk"}
    if kind == "reset":
        properties["synchronousEdges"] = EDGES[package(config).reset]
    elif kind != "clock":
        properties["associatedReset"] = "aresetn"
    if kind == "interrupt":
        bus = next(each for each in interfaces(config) if each.is_register_bus)
        if bus.kind in TYPES:
            properties["associatedAddressablePoint"] = bus.name
    # The sender of an interrupt is an end.
    side = "start" if interface.leads and kind != "interrupt" else "end"
    ports = ((port.name, roles.get(port.role, port.role.lower()), port.direction.capitalize(), port.width)
             for port in interface.ports)
    return f"describe {interface.name} {kind} {side} {_rows(properties.items())} {_rows(ports)}\n"


def _described(config, verilog):
    return {"NAME": config.name, "SOURCES": " ".join(verilog), "DESCRIPTION": package(config).description}


def _rows(rows):
    """A list of Tcl, a row a line."""
    lines = "".join(f"    {' '.join(map(str, row))}\n" for row in rows)
    return f"{{\n{lines}}}" if lines else "{}"
