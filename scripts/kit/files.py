"""`scripts.integration.files` under its old name, for one release: generators copied out of a kit import it."""

from ..integration.files import constraints, fusesoc, kit

__all__ = ["constraints", "fusesoc", "kit"]
