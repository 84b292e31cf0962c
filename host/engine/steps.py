"""Steps: descriptors before addresses are known."""

from dataclasses import dataclass, field

from ...golden.engine.descriptor import Operation
from .memory import Buffer


@dataclass
class Step:
    """One descriptor before addresses are known.

    Attributes
    ----------
    operation : Operation
    location : str
        Of the operators in the network.
    output : int or None
        Number of the tensor that is in the target after it, or in ``whole``.
    source, target, residual : Buffer or None
    fields : dict
        Of the descriptor.
    tiles : list of int8 array (rows, columns)
        ``CONV``: for each column of tiles and part; ``DEPTHWISE``: one, its taps.
    parameters : Requantization or None
    sums : SumRequantization or None
    first_channel, first_result : int
        Byte of the source's and the target's pixels at which it begins.
    is_fed : bool
        ``CONV``: a DEPTHWISE feeds it, and nothing of its source is read.
    is_turned : bool
        ``CONV``: its target's rows are columns.
    whole : Buffer or None
        Of which the target is the last part that was missing.
    """

    operation: Operation
    location: str
    output: int
    source: Buffer
    target: Buffer
    residual: Buffer | None = None
    fields: dict = field(default_factory=dict)
    tiles: list = field(default_factory=list)
    parameters: object = None
    sums: object = None
    first_channel: int = 0
    first_result: int = 0
    is_fed: bool = False
    is_turned: bool = False
    whole: Buffer | None = None
