"""Rows of the table of what `bitline mutate` found."""

HEADS = ("design", "block", "mutants", "killed", "proved equivalent", "survivors", "killed of those not equivalent")
COUNTS = ("mutants", "killed", "equivalent")


def cells_of(rows):
    """Cells of a table with such `HEADS`: of the rows of blocks, and of all together."""
    return [*map(_cells, rows), _cells(_sum("all", "", rows))]


def _sum(kind, block, rows):
    return {"design": kind, "block": block, **{key: sum(row[key] for row in rows) for key in COUNTS}}


def _cells(row):
    counted, killed, equivalent = (row[key] for key in COUNTS)
    others = counted - equivalent
    return (row["design"], row["block"], *(f"{each:,}" for each in (counted, killed, equivalent, others - killed)),
            f"{killed / others:.1%}" if others else "")
