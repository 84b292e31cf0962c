"""``bitline operators``: the operators that networks may have, as tables in Markdown."""

from pathlib import Path

import click

from ...common.files import BadInput, require_packages, write_file
from ...fuzzing.record import read_record

# In a document, what is before the tables and behind them.
BEGIN, END = "<!-- bitline operators -->\n", "<!-- end of bitline operators -->\n"


def put(tables, document):
    """The text of a document with these tables in place of those that it has."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BadInput(f"document must have the lines {BEGIN.strip()} and {END.strip()}, and has not")
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


@click.command()
@click.option("--record", metavar="FILE", type=click.Path(path_type=Path, exists=True),
              help="What bitline fuzz --output wrote.")
@click.option("--document", metavar="FILE", type=click.Path(path_type=Path, exists=True),
              help="Gets the tables in place of those that it has.")
def command(record, document):
    """List operators of .tflite and .onnx files: kinds, rounding, what runs on the macro, what was fuzzed."""
    require_packages("networks", "tflite")
    require_packages("onnx", "onnx")
    from ...fuzzing.listing import listing

    tables = listing(read_record(record) if record else {})
    if document:
        write_file(document, put(tables, document.read_text(encoding="utf-8")).encode())
    else:
        click.echo(tables, nl=False)
