"""The gateware of columns, by their kind."""

from .bitcells import Bitcells
from .ones import Ones
from .tables import Tables

GATEWARE = {"bitcell": Bitcells(), "table": Tables(), "ones": Ones()}
