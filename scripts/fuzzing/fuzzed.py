"""What drawn networks of an operator gave."""

from dataclasses import dataclass, field


@dataclass
class Fuzzed:
    """Counts.

    Attributes
    ----------
    operator : str
    networks, values : int
        Values are those of all nodes that were compared.
    mismatches : int
    open : int
        Values that differ by what the definition leaves open.
    first : str or None
        A seed and its first mismatch.
    refused : dict of str to int
        Networks by what was in their way.
    seconds : float
    """

    operator: str
    networks: int = 0
    values: int = 0
    mismatches: int = 0
    open: int = 0
    first: str | None = None
    refused: dict = field(default_factory=dict)
    seconds: float = 0.0

    def refuse(self, reason):
        """One more network that was refused."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    @property
    def is_hopeless(self):
        """Whether all of many networks were refused."""
        return sum(self.refused.values()) > 100 and not self.values
