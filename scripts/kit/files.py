"""`scripts.integration.files` under its former name, for one release: generators in users' folders import it."""

from ..integration.files import constraints, fusesoc
from ..integration.files import integration_files as kit

__all__ = ["constraints", "fusesoc", "kit"]
