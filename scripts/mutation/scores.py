"""Tables of what `bitline mutate` found, as it writes them to `mutants.json`."""

from ..common.markdown import table

HEADS = ("design", "block", "mutants", "killed", "proved equivalent", "survivors", "killed of those not equivalent")
COUNTS = ("mutants", "killed", "equivalent")


def cells_of(rows):
    """Cells of a table with such `HEADS`: of the rows of blocks, and of all together."""
    return [*map(_cells, rows), _cells(_sum("all", "", rows))]


def scores_table(record):
    """Of each kind of design, and of all."""
    kinds = dict.fromkeys(row["design"] for row in record["blocks"])
    rows = [_sum(kind, "", [row for row in record["blocks"] if row["design"] == kind]) for kind in kinds]
    return table(_without_block(HEADS), map(_without_block, cells_of(rows)))


def blocks_table(record):
    """Of each block with a mutant that is not killed."""
    return table(HEADS, [_cells(row) for row in record["blocks"] if row["killed"] < row["mutants"]])


def killed_blocks(record):
    """The blocks of which all mutants are killed, by kind of design."""
    kinds = {}
    for row in record["blocks"]:
        if row["killed"] == row["mutants"]:
            kinds.setdefault(row["design"], []).append(row["block"])
    return table(("design", "blocks"), [(kind, ", ".join(blocks)) for kind, blocks in kinds.items()])


def survivors_table(record, arguments):
    """Each survivor that is not proved equivalent, and why it survives: ``arguments``, by its name."""
    return table(("mutant", "why"), [(f"`{name}`", arguments.get(name, "")) for name in record["survivors"]])


def _sum(kind, block, rows):
    return {"design": kind, "block": block, **{key: sum(row[key] for row in rows) for key in COUNTS}}


def _cells(row):
    counted, killed, equivalent = (row[key] for key in COUNTS)
    others = counted - equivalent
    return (row["design"], row["block"], *(f"{each:,}" for each in (counted, killed, equivalent, others - killed)),
            f"{killed / others:.1%}" if others else "")


def _without_block(cells):
    return cells[0], *cells[2:]
