"""Names of the table of registers."""

import pytest
from bitline.hdl.block_core.register_map import block_core_register_map
from bitline.hdl.config import BUS_NAMES, CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.core.top import core_ports
from bitline.hdl.csr.register_map import FORMER_NAMES, ErrorCode, register_map
from bitline.hdl.engine_core.register_map import engine_register_map
from bitline.scripts.integration.c_headers import FULL_ENGINE
from keywords import KEYWORDS, keywords_among

MACRO = MacroConfig(rows=12, columns=5, banks=2, max_accumulations=2)
# Together they have all registers, fields and ports that there are.
CORES = [*(CoreConfig(macro=MACRO, checksum=True, bus=bus) for bus in BUS_NAMES), CoreConfig(macro=MACRO, dma=64)]


def names(config):
    """Whatever a core's tables name."""
    registers = register_map(config)
    return [*(register.name for register in registers), *(field.name for register in registers for field in
                                                          register.fields),
            *(port.name for port in core_ports(config)), *(code.name.lower() for code in ErrorCode)]


@pytest.mark.parametrize("config", CORES, ids=lambda config: config.bus)
def test_no_name_is_a_keyword(config):
    assert keywords_among(names(config)) == []


@pytest.mark.parametrize("registers", [
    engine_register_map(FULL_ENGINE),
    block_core_register_map(BlockCoreConfig(blocks=block_macro("MXFP4", columns=2, input_beat_bits=64)))],
    ids=["engine", "block core"])
def test_no_name_of_another_core_is_a_keyword(registers):
    found = [name for register in registers for name in (register.name, *(field.name for field in register.fields))]
    assert keywords_among(found) == []


def test_keywords_are_noticed():
    assert keywords_among(["input_bits", "input", "is_signed", "double", "accept_on", "match", "lambda"]) == sorted([
        ("Verilog", "input"), ("SystemVerilog", "input"), ("C", "double"), ("C++", "double"),
        ("SystemVerilog", "accept_on"), ("Rust", "match"), ("Python", "match"), ("Python", "lambda")])
    assert all(KEYWORDS.values())


def test_former_names_are_free_and_lead_to_fields():
    fields = {f"{register.name}.{field.name}" for register in register_map(CORES[0]) for field in register.fields}
    assert set(FORMER_NAMES.values()) <= fields and not set(FORMER_NAMES) & fields
