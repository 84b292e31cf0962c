"""What a macro and a core are: `MacroConfig`, `CoreConfig` and the choices there are, without Amaranth."""

from .base import allowed
from .bitcells import TREES
from .core import BUSES, OUTPUTS, RESETS, STREAM_BITS, CoreConfig
from .macro import COLUMNS, FUSES, INTERVALS, KINDS, MacroConfig

__all__ = ["BUSES", "COLUMNS", "FUSES", "INTERVALS", "KINDS", "OUTPUTS", "RESETS", "STREAM_BITS", "TREES",
           "CoreConfig", "MacroConfig", "allowed"]
