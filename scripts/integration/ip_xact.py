"""A core or engine as an IP-XACT component, IEEE 1685-2014: interfaces, registers, ports, files and configuration."""

import xml.etree.ElementTree as ElementTree
from importlib.metadata import version

from ...hdl.csr.register_map import BUS_ADDRESS_BITS, Access
from .c_headers import driver_files
from .interfaces import LIBRARY, VENDOR, interfaces, package
from .systemrdl import bounds, is_bounded, is_error_code, remarks

NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
OWN_NAMESPACE = "https://bitline.org/ip-xact"
# Access, whether hardware changes the field, and the effect of a write, if it is not to store what is written. IP-XACT
# has no word for a pulse: "modify" says that the field does not keep what is written, and an extension says the rest.
ACCESS = {
    Access.CONSTANT: ("read-only", False, None),
    Access.RO: ("read-only", True, None),
    Access.RW: ("read-write", False, None),
    Access.SINGLEPULSE: ("write-only", True, "modify"),
    Access.W1C: ("read-write", True, "oneToClear"),
    Access.W1S: ("read-write", False, "oneToSet"),
    Access.WO: ("write-only", False, None),
}
FILE_TYPES = {".v": "verilogSource", ".sdc": "SDC", ".h": "cSource", ".c": "cSource"}


def ip_xact(config, verilog, models=()):
    """The XML of a core or engine whose Verilog is in the files ``verilog``; ``models`` are those of `cell_models`."""
    part = package(config)
    file_sets = {"rtl": list(verilog), "constraints": [f"{part.name}.sdc"], "driver": list(driver_files(part.driver))}
    if models:
        file_sets["models"] = list(models)
    # The memory of each master. A range is a number of 64 bits, so of addresses of 64 bits the last beat has none.
    spaces = [("addressSpace", [("name", interface.name), ("range", str(min(
        1 << interface.address_bits, (1 << 64) - interface.data_bits // 8))),
                                ("width", str(interface.data_bits))])
              for interface in interfaces(config) if interface.address_bits]
    tree = _tree("component", [
        ("vendor", VENDOR), ("library", LIBRARY), ("name", part.name), ("version", version("bitline")),
        ("busInterfaces", [_interface(interface) for interface in interfaces(config)]),
        *([("addressSpaces", spaces)] if spaces else []),
        ("memoryMaps", [("memoryMap", [("name", "registers"), _block(part)])]),
        ("model", [
            ("views", [("view", [("name", "rtl"), ("envIdentifier", "verilog:any:any"),
                                 ("componentInstantiationRef", "verilog")])]),
            ("instantiations", [("componentInstantiation", [
                ("name", "verilog"), ("language", "verilog"), ("moduleName", part.name),
                ("fileSetRef", [("localName", "rtl")]), ("fileSetRef", [("localName", "constraints")])])]),
            ("ports", [_port(port) for port in part.ports])]),
        ("fileSets", [("fileSet", [("name", name), *(("file", [("name", file), ("fileType", _file_type(file))])
                                                     for file in files)]) for name, files in file_sets.items()]),
        ("description", part.description),
        ("parameters", [("parameter", {"parameterId": name, "type": kind}, [("name", name), ("value", value)])
                        for name, kind, value in _parameters(config)])])
    ElementTree.indent(tree)
    ElementTree.register_namespace("ipxact", NAMESPACE)
    ElementTree.register_namespace("bitline", OWN_NAMESPACE)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(tree, encoding="unicode")}\n'


def _tree(name, content, attributes=None):
    """An element: text, or pairs and triples that are elements themselves; names without a namespace are IP-XACT's."""
    element = ElementTree.Element(name if name.startswith("{") else f"{{{NAMESPACE}}}{name}", attributes or {})
    if isinstance(content, str):
        element.text = content
        return element
    for child, *more in content:
        *given, inner = more
        element.append(_tree(child, inner, *given))
    return element


def _vlnv(identifier, suffix=""):
    vendor, library, name, number = identifier.split(":")
    return {"vendor": vendor, "library": library, "name": name + suffix, "version": number}


def _interface(interface):
    """A bus interface; a clock, a reset or an interrupt is one too."""
    if interface.leads:
        space = ("addressSpaceRef", {"addressSpaceRef": interface.name}, [])
        role = ("master", [space] if interface.address_bits else [])
    else:
        role = ("slave", [("memoryMapRef", {"memoryMapRef": "registers"}, [])] if interface.is_register_bus else [])
    maps = [("portMap", [("logicalPort", [("name", port.role)]), ("physicalPort", [("name", port.name)])])
            for port in interface.ports]
    return ("busInterface", [
        ("name", interface.name), ("busType", _vlnv(interface.kind), []),
        ("abstractionTypes", [("abstractionType", [("abstractionRef", _vlnv(interface.kind, "_rtl"), []),
                                                   ("portMaps", maps)])]),
        role])


def _block(part):
    return ("addressBlock", [
        ("name", part.name), ("description", part.registers_meaning), ("baseAddress", "0"),
        ("range", str(1 << BUS_ADDRESS_BITS)), ("width", "32"), ("usage", "register"),
        *(_register(part, register) for register in part.registers)])


def _register(part, register):
    return ("register", [("name", register.name), ("description", remarks(register)),
                         ("addressOffset", f"'h{register.offset:x}"), ("size", "32"),
                         *(_field(part, register, field)
                           for field in sorted(register.fields, key=lambda field: field.low))])


def _field(part, register, field):
    access, is_volatile, write = ACCESS[field.access]
    meaning = bounds(field) + (" Write one for a pulse; it stores nothing." if write == "modify" else "")
    content = [("name", field.name), ("description", meaning), ("bitOffset", str(field.low)),
               ("resets", [("reset", [("value", f"'h{field.reset:x}")])]), ("bitWidth", str(field.bits)),
               ("volatile", str(is_volatile).lower()), ("access", access)]
    if is_error_code(register, field):
        content.append(("enumeratedValues", [("enumeratedValue", [
            ("name", code.name.lower()), ("description", meaning), ("value", str(code.value))])
            for code, meaning in sorted(part.errors.items())]))
    if write:
        content.append(("modifiedWriteValue", write))
    if is_bounded(field):
        content.append(("writeValueConstraint", [("minimum", str(field.minimum)), ("maximum", str(field.max_value))]))
    # As in the table, in SystemRDL's words.
    content.append(("vendorExtensions", [(f"{{{OWN_NAMESPACE}}}access", field.access.name.lower())]))
    return ("field", content)


def _port(port):
    vectors = [("vectors", [("vector", [("left", str(port.width - 1)), ("right", "0")])])] if port.width > 1 else []
    direction = {"input": "in", "output": "out"}[port.direction]
    return ("port", [("name", port.name), ("description", port.meaning),
                     ("wire", [("direction", direction), *vectors])])


def _file_type(name):
    return FILE_TYPES[name[name.rindex("."):]]


def _parameters(config):
    """Names, types and values of the configuration, those of its parts before its own."""
    for name, value in config.flat().items():
        kind = "bit" if isinstance(value, bool) else "longint" if isinstance(value, int) else "string"
        yield name, kind, str(int(value)) if isinstance(value, int) else f'"{value}"'
