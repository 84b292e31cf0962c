"""The drivers of boards, real or simulated."""

from .board import Board, in_order
from .engine_board import EngineBoard
from .link import LinkError

__all__ = ["Board", "EngineBoard", "LinkError", "in_order"]
