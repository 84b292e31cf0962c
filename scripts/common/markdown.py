"""Markdown that is made of the code."""


def table(heads, rows):
    """A table: its heads, and rows of as many cells, all strings."""
    lines = (f"| {' | '.join(cells)} |" for cells in (heads, *rows))
    return "\n".join([next(lines), "|---" * len(heads) + "|", *lines])
