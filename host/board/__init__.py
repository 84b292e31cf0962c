"""The driver of a board, real or simulated."""

from .board import Board, in_order
from .link import LinkError

__all__ = ["Board", "LinkError", "in_order"]
