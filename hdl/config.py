"""`MacroConfig`: the one description of a macro that every part of Bitline takes."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("bitcell",)
TREES = ("carry_chain", "carry_save")
FUSES = (1, 2, 4)

# Upper limits keep every derived width (a fused total above all) within what int64 golden results hold.
LIMITS = {"rows": 1024, "columns": 1024, "weight_bits": 16, "input_bits": 16, "banks": 16, "tiles": 65536}


def signed_width(low, high):
    """Bits of the narrowest two's complement number that holds every integer of ``low..high``."""
    return max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1


def ceil_log2(n):
    """Smallest ``k`` with ``2**k >= n``."""
    return (n - 1).bit_length()


def tree_latency(tree, rows):
    """Cycles from a plane to its sum: a register a level of a carry-chain tree, one after a carry-save tree."""
    return max(1, ceil_log2(rows)) if tree == "carry_chain" else 1


@dataclass(frozen=True, kw_only=True)
class MacroConfig:
    """One DCIM macro.

    Parameters
    ----------
    rows : int, 1 to 1024
        Inputs of a vector, and weights of a column.
    columns : int, 1 to 1024
        Results of a vector. A multiple of ``fuse``.
    weight_bits : int, 1 to 16
        Bits of a stored weight, two's complement.
    input_bits : int, 1 to 16
        Most bits of an input; each vector says how many of them it uses.
    banks : int, 1 to 16
        Sets of weights; one computes while others are written.
    fuse : 1, 2 or 4
        Most neighbouring columns that a vector may read as one wider weight.
    tiles : int, 1 to 65536
        Vectors that ``accumulate`` may add up, the first included, without overflow.
    column : str
        How a column stores and multiplies; ``"bitcell"``.
    tree : str
        Structure of the adder tree: ``"carry_chain"`` (a register a level, for FPGAs) or ``"carry_save"``
        (full-adder cells and one register, for standard cells).

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    rows: int
    columns: int
    weight_bits: int = 8
    input_bits: int = 8
    banks: int = 1
    fuse: int = 1
    tiles: int = 1
    column: str = "bitcell"
    tree: str = "carry_chain"

    def __post_init__(self):
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer from 1 to {limit}, not {value!r}")
            if not 1 <= value <= limit:
                raise ValueError(f"{name} must be an integer from 1 to {limit}, not {value!r}")
        for name, choices in (("fuse", FUSES), ("column", COLUMNS), ("tree", TREES)):
            value = getattr(self, name)
            if type(value) is not type(choices[0]) or value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")
        if self.columns % self.fuse:
            raise ValueError(f"columns must be a multiple of fuse ({self.fuse}), not {self.columns}")
        if self.output_width(self.fuse) > 63:
            raise ValueError(
                "weight_bits, input_bits, rows, tiles and fuse must keep a result within 63 bits, "
                f"not {self.output_width(self.fuse)}"
            )

    # Widths, each derived from the extremes it must hold.

    def _extremes(self, weight_bits, vectors):
        """Least and greatest ``sum(w * x)`` over ``vectors`` vectors, signed and unsigned ones mixed at will."""
        most = self.rows * vectors
        least_w, greatest_w = -(1 << weight_bits - 1), (1 << weight_bits - 1) - 1
        least_x, greatest_x = -(1 << self.input_bits - 1), (1 << self.input_bits) - 1
        products = [w * x for w in (least_w, greatest_w) for x in (least_x, greatest_x)]
        return most * min(products), most * max(products)

    @property
    def sum_width(self):
        """Bits of what a column's adder tree gives for one plane."""
        return self.weight_bits + ceil_log2(self.rows)

    @property
    def accumulator_width(self):
        """Bits of the shift-accumulator, which holds the result of one vector."""
        return signed_width(*self._extremes(self.weight_bits, 1))

    @property
    def total_width(self):
        """Bits of a column's total, which holds the results of ``tiles`` vectors."""
        return signed_width(*self._extremes(self.weight_bits, self.tiles))

    @property
    def sum_x_width(self):
        """Bits of ``sum(x)`` over ``tiles`` vectors, from the column of ones."""
        most = self.rows * self.tiles
        return signed_width(-most << self.input_bits - 1, most * ((1 << self.input_bits) - 1))

    def output_width(self, fuse):
        """Bits that the result of ``fuse`` fused columns needs; its lanes offer ``fuse * total_width``."""
        return signed_width(*self._extremes(self.weight_bits * fuse, self.tiles))

    # Latency, in cycles.

    @property
    def tree_latency(self):
        """From a plane on the wordlines to its sum."""
        return tree_latency(self.tree, self.rows)

    @property
    def fuse_latency(self):
        """From a total to its fused result: one for the offset, one for each doubling."""
        return 0 if self.fuse == 1 else 1 + ceil_log2(self.fuse)

    @property
    def latency(self):
        """Cycles that ``n`` vectors of ``p`` planes take beyond ``n * p``, first input and last result included.

        Two in the wordline drivers, one for the plane register, the tree, the accumulator, the total, and the fuse
        stages.
        """
        return 5 + self.tree_latency + self.fuse_latency

    # Identity.

    @property
    def hash(self):
        """Eight hexadecimal digits that tell this configuration from every other."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_{self.rows}x{self.columns}_w{self.weight_bits}x{self.input_bits}_{self.hash}"

    # JSON.

    def to_dict(self):
        """The parameters by name."""
        return dataclasses.asdict(self)

    def to_json(self):
        """The parameters as a JSON object."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, parameters):
        """The configuration with these parameters; ValueError for one that is unknown or missing."""
        if not isinstance(parameters, dict):
            raise ValueError(f"a configuration must be a JSON object, not {parameters!r}")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for name in parameters:
            if name not in fields:
                raise ValueError(f"a configuration's parameters must be among {', '.join(fields)}, not {name!r}")
        for name, field in fields.items():
            if field.default is dataclasses.MISSING and name not in parameters:
                raise ValueError(f"a configuration must give {name}, not only {', '.join(parameters) or 'nothing'}")
        return cls(**parameters)

    @classmethod
    def from_json(cls, text):
        """The configuration that a JSON object describes."""
        try:
            parameters = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a configuration must be JSON, and this is not: {error}") from None
        return cls.from_dict(parameters)

    @classmethod
    def load(cls, path):
        """The configuration in a JSON file."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"a configuration must be UTF-8 text, and {path} is not") from None
