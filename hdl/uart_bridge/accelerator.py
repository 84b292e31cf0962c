"""Accelerators: what is behind a bridge, a macro or an engine, and all that the bridge knows of it."""

from dataclasses import dataclass

from amaranth.lib import data, wiring

from ..config.base import Parameters
from ..config.engine import EngineConfig
from ..config.engine_core import EngineCoreConfig
from ..config.macro import MacroConfig
from ..csr.register_master import ANSWER, READ, WRITE
from ..engine.engine import check_gateware
from ..flash.flash_loader import FlashLoader
from ..macro.ports import input_layout, output_layout, write_layout
from .engine_instance import EngineInstance
from .macro_instance import MacroInstance

# The first bytes of identities.
MACRO_MAGIC, ENGINE_MAGIC = b"BTLN", b"BLNE"


@dataclass(frozen=True)
class Accelerator:
    """A macro, or an engine whose registers are written and read.

    Attributes
    ----------
    name : str
        ``"macro"`` or ``"engine"``, also of its instance.
    magic : bytes
        Four, which begin its identity.
    config : MacroConfig or EngineConfig
        For the identity.
    module : MacroConfig or EngineCoreConfig
        Of its Verilog module.
    write, i, o : data.StructLayout
        Payloads of its streams: what goes in without an answer; what goes in and is answered once; the answer.
    component : type
        A component with these streams, of the configuration ``module``, that is an instance of that module.
    loader : type or None
        A component between the bridge and these streams: a `FlashLoader`.
    """

    name: str
    magic: bytes
    config: Parameters
    module: Parameters
    write: data.StructLayout
    i: data.StructLayout
    o: data.StructLayout
    component: type[wiring.Component]
    loader: type[wiring.Component] | None = None

    @property
    def macro(self):
        """The macro: the accelerator, or that in the engine."""
        return getattr(self.config, "macro", self.config)


def macro_accelerator(config):
    """A macro: rows of weights; vectors and their results."""
    return Accelerator("macro", MACRO_MAGIC, config, config, write_layout(config), input_layout(config),
                       output_layout(config), MacroInstance)


def engine_accelerator(config):
    """An engine: writes of registers; reads and their answers. ValueError if there is no gateware of it for a board."""
    check_gateware(config)
    if config.weight_port:
        raise ValueError(f"weight_port must be 0 on a board, not {config.weight_port}")
    return Accelerator("engine", ENGINE_MAGIC, config, EngineCoreConfig(engine=config), WRITE, READ, ANSWER,
                       EngineInstance, FlashLoader)


ACCELERATORS = {MacroConfig: macro_accelerator, EngineConfig: engine_accelerator}


def accelerator(config):
    """The `Accelerator` of a configuration; ValueError if there is no gateware of it."""
    return ACCELERATORS[type(config)](config)
