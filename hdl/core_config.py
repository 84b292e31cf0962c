"""`CoreConfig` under its old name, for one release: generators that were copied out of a kit import it from here."""

from .config import CoreConfig

__all__ = ["CoreConfig"]
