"""What a macro and a core are: `MacroConfig`, `CoreConfig` and the choices there are, without Amaranth."""

from .base import allowed
from .bitcells import TREE_NAMES
from .core import BUS_NAMES, OUTPUTS, RESETS, STREAM_BITS, CoreConfig
from .macro import COLUMNS, FUSES, INTERVALS, KINDS, MacroConfig

__all__ = ["BUS_NAMES", "COLUMNS", "FUSES", "INTERVALS", "KINDS", "OUTPUTS", "RESETS", "STREAM_BITS", "TREE_NAMES",
           "CoreConfig", "MacroConfig", "allowed"]
