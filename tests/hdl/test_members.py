# amaranth: UnusedElaboratable=no
"""Docstrings of components name each port of the signature, one entry a port."""

import importlib
import inspect
import itertools
import pkgutil
import re
from dataclasses import replace

import pytest
from amaranth.hdl import signed
from amaranth.lib import wiring
from bitline import hdl
from bitline.hdl.axi.axi_stream import beat_layout
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine import default_engine
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.config.ones import OnesShape
from bitline.hdl.csr.register_map import ErrorCode, register_map
from bitline.hdl.engine_core.register_map import engine_register_map
from bitline.hdl.uart_bridge.accelerator import accelerator
from bitline.hdl.uart_bridge.protocol import sizes

MACRO = MacroConfig(rows=8, columns=4, banks=2, max_accumulations=2, fuse=2)
CORE = CoreConfig(macro=MacroConfig(rows=8, columns=4, banks=2), checksum=True, dma=32)
BITCELLS, TABLES = (next(iter(config.shapes)) for config in (MACRO, MacroConfig(rows=8, columns=4, column="table")))
CHOICE = block_macro("MXFP4+MXINT8", columns=4, macro={"banks": 2})
BLOCKS = replace(CHOICE, input_beat_bits=64)
ENGINE = ("engine.control", "engine.memory", "engine.compute", "engine")
FOLDERS = ("axi", "bist", "block_core", "clocking", "columns", "core", "csr", *ENGINE, "engine_core", "fabric",
           "flash", "formats", "macro", "uart_bridge")
MEMBERS = "Members\n-------\n"
# What a parameter of such a name is, but for those of `OWN`.
COMMON = {"config": CORE, "bits": 32, "lengths": [5, 9], "many": True, "max_in_requantizer": 2, "max_skipped": 7,
          "banks": 2, "rows": 8, "backgrounds": 3, "columns": 2, "weight_bits": 8, "total_width": 20, "sum_x_width": 12,
          "input_bits": 8, "width": 32, "active_low": False, "output_bits": 8, "clock_hz": 12_000_000, "baud": 115200,
          "macro_hz": 48_000_000,
          "widths": (8, 16), "sizes": sizes(accelerator(MACRO), 2048), "accelerator": accelerator(MACRO),
          "divisor": 16.0, "buffer": 2048, "depth": 2048, "count": 5,
          "sum_shape": signed(8), "max_accumulations": 3, "index": 0,
          "others": (ErrorCode.LOCKED, *tuple(ErrorCode)[ErrorCode.ABORTED:]),
          "overlaps": True, "is_fast": True, "latency": 12,
          "source": "sync", "sink": "macro", "address": 3 << 20, "address_bits": 32, "packet_beats": 3,
          "row_bits": 16, "row_beats": 4, "vector_beats": 3, "beat": beat_layout(32), "result_beat": beat_layout(32),
          "lanes": 4, "words": 4, "together": 2, "in_order": False,
          "has_windows": True, "size": 1024, "program_length": 4, "bytes_after": 4,
          "choice": CHOICE.x, "exponent_bits": 9, "bias": 256, "mantissa_bits": 23, "float_exponent_bits": 8}
OWN = {"columns": MACRO, **dict.fromkeys((*ENGINE, "engine_core", "flash"), default_engine()), "macro": MACRO,
       "uart_bridge": MACRO, "formats": CHOICE, "block_core": BLOCKS}
SHAPES = {"BitcellColumns": BITCELLS, "ColumnBlock": BITCELLS, "OnesColumn": OnesShape(rows=8, latency=3),
          "StreamCrossing": 8}
CHOICES = {"has_enables": (False, True), "has_other": (False, True), "has_plane_mask": (False, True),
           "registers": (register_map(CORE), engine_register_map(default_engine()))}
# Whose configuration is not that of the folder.
OUTSIDE = replace(default_engine(), weight_port=4)
CONFIGS = {"EngineInstance": EngineCoreConfig(engine=default_engine()), "EngineCore": EngineCoreConfig(engine=OUTSIDE),
           "Engine": OUTSIDE, "WeightPort": OUTSIDE, "BlockCore": BlockCoreConfig(blocks=BLOCKS)}
# Whose ports are those of a table, by name.
TABLED = {"BlockCoreTop", "CoreTop", "EngineTop", "FlatMacro", "MacroPorts"}


def components():
    """Each component class of the folders, with its folder."""
    for folder in FOLDERS:
        package = importlib.import_module(f"{hdl.__name__}.{folder}")
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for _, cls in inspect.getmembers(module, inspect.isclass):
                is_own = cls.__module__ == module.__name__ and cls.__name__ not in TABLED and cls.__name__[0] != "_"
                if is_own and issubclass(cls, wiring.Component):
                    yield folder, cls


COMPONENTS = {cls.__name__: (folder, cls) for folder, cls in components()}


def entries(cls, names):
    """The names of the entries under Members, one each; of those of base classes what is among these names."""
    def of(one):
        return re.findall(r"^([\w, ]+?)(?: : .*)?$", inspect.getdoc(one).partition(MEMBERS)[2], re.MULTILINE)
    own, inherited = of(cls), {name for base in cls.__mro__[1:] if inspect.getdoc(base) for name in of(base)}
    return own + sorted((inherited & names) - set(own))


def incomplete(text):
    """Entries without a direction and shape, or without a meaning."""
    heads = re.findall(r"^(\S.*)\n?(.*)", text.partition(MEMBERS)[2], re.MULTILINE)
    return [head for head, meaning in heads
            if not re.fullmatch(r"\w+ : ``(In|Out)\(.+\)``", head) or not meaning.startswith("    ")]


def instances(folder, cls):
    """One for each choice of what makes a difference to the ports."""
    names = inspect.signature(cls.__init__).parameters
    choices = {name: values for name, values in CHOICES.items() if name in names}
    if folder == "macro" and "config" in names:
        choices["config"] = (MACRO, replace(MACRO, result_interval=4))
    return [instance(folder, cls, **dict(zip(choices, chosen))) for chosen in itertools.product(*choices.values())]


def instance(folder, cls, **given):
    if cls.__init__ is wiring.Component.__init__:
        return cls()
    config = CONFIGS.get(cls.__name__, OWN.get(folder, CORE))
    values = COMMON | {"config": config, "shape": SHAPES.get(cls.__name__, TABLES)} | given
    return cls(**{name: values[name] for name in inspect.signature(cls.__init__).parameters if name != "self"})


def ports(component):
    """What its docstring must name."""
    names = set(component.signature.members)
    if type(component).__name__ == "RegisterFile":
        names = names - {register.name for register in component.registers} | {"REGISTER"}
    return names


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_entry_has_direction_shape_and_meaning(name):
    assert incomplete(inspect.getdoc(COMPONENTS[name][1])) == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_port_has_an_entry(name):
    folder, cls = COMPONENTS[name]
    names = set().union(*(ports(component) for component in instances(folder, cls)))
    assert sorted(entries(cls, names)) == sorted(names)


def test_incomplete_entries_are_noticed():
    class Two:
        """A pair, one without a shape, one without a meaning, and one that is complete.

        Members
        -------
        one, two : ``In(1)``
            Both.
        three : ``In``
            No shape.
        four : ``In(1)``
        five : ``Out(2)``
            Complete.
        """

    assert entries(Two, set()) == ["one, two", "three", "four", "five"]
    assert incomplete(inspect.getdoc(Two)) == ["one, two : ``In(1)``", "three : ``In``", "four : ``In(1)``"]
