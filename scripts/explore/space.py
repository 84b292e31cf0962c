"""The macros that are searched: their parameters, and the values of each."""

from ...hdl.config import COLUMNS, KINDS, MacroConfig
from ...hdl.config.bitcells import TREE_NAMES

# Names of the search, and what each may be. Two columns of four bits are fused into one weight of eight.
CHOICES = {
    "rows": tuple(range(8, 161, 8)),
    "columns": tuple(range(8, 129, 8)),
    "banks": (1, 2, 4),
    "column": COLUMNS,
    "fuse": (1, 2),
    "table_writers": (1, 2),
    "result_interval": (1, 2, 4),
}
# The same of macros in standard cells, whose synthesis takes longer.
CELL_CHOICES = {
    "rows": tuple(range(8, 65, 8)),
    "columns": tuple(range(4, 33, 4)),
    "banks": (1, 2, 4),
    "tree": tuple(name for name in TREE_NAMES if name != "carry_chain"),
    "result_interval": (1, 2, 4),
}
WEIGHT_BITS = INPUT_BITS = 8
# Rows times columns at most of a macro that is drawn; half of them where rows are stored as they come.
DRAWN_PRODUCTS, DRAWN_CELL_PRODUCTS = 4096, 640


def macro(choice):
    """The `MacroConfig` of a value for each of `CHOICES`; what its kind of column does not have is left out."""
    column = choice.get("column", COLUMNS[0])
    foreign = {name for kind in KINDS.values() if kind.name != column for name, _ in kind.conditions}
    parameters = {name: value for name, value in choice.items() if name not in foreign}
    return MacroConfig(**parameters, weight_bits=WEIGHT_BITS // parameters.get("fuse", 1), input_bits=INPUT_BITS)


def draw(rng, choices=CHOICES, products=DRAWN_PRODUCTS):
    """A drawn `MacroConfig`, of those that synthesis takes less than a minute or two for."""
    while True:
        config = macro({name: rng.choice(values) for name, values in choices.items()})
        most = products if all(shape.writers for shape in config.shapes) else products // 2
        if config.rows * config.columns <= most:
            return config
