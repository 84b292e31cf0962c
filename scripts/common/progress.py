"""Progress bars on standard error, and counts in words."""

from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def count_of(count, noun):
    """A count with its noun: "1 input", "1,000 inputs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@contextmanager
def running(what, total):
    """A bar for the time of the block; yields a function that takes how much is done, and optionally of what."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def show(done, description=what):
            bar.update(task, completed=done, description=description)

        yield show
