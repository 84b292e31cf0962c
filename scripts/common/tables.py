"""Tables on standard output."""

import os

from rich import box
from rich.console import Console

# A file or a pipe has no width of its own.
WIDTH = 160


def show(table):
    """Print a table of rich as wide as the terminal is: what does not fit goes on in the next line, nothing is cut."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDTH)
    for column in table.columns:
        column.overflow = "fold"
    if Console(width=10 * WIDTH).measure(table).maximum > console.width:
        _squeeze(table, console.width)
    console.print(table)


def _squeeze(table, width):
    """No lines between columns; numbers stay whole, if words do."""
    table.box, table.padding, table.show_edge = box.SIMPLE_HEAD, 0, False
    cells = [[str(cell).split() for cell in column.cells] for column in table.columns]
    words = [max(len(word) for cell in (str(column.header).split(), *lines) for word in cell)
             for column, lines in zip(table.columns, cells)]
    if sum(words) + len(words) <= width:
        for column, lines, longest in zip(table.columns, cells, words):
            if all(len(cell) <= 1 for cell in lines):
                column.width = longest
