"""``bitline fuzz``: drawn networks of one operator, every value compared with the runtime."""

import dataclasses
import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ..common.files import BadInput, check_writable, require_packages, write_file


def table_of(found):
    """A row for each operator."""
    table = Table("operator", "networks", "values", "mismatches", "left open", "refused", "seconds")
    for one in found:
        table.add_row(one.operator, f"{one.networks:,}", f"{one.values:,}", f"{one.mismatches:,}", f"{one.open:,}",
                      f"{sum(one.refused.values()):,}", f"{one.seconds:.1f}")
    return table


@click.command()
@click.argument("operators", nargs=-1)
@click.option("--values", type=click.IntRange(1), default=100_000, show_default=True, help="Of each operator.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first network.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Gets the table as JSON.")
def command(operators, values, seed, output):
    """Draw networks of each of OPERATORS, or of all, and compare every value with the runtime.

    Those of .tflite files, such as FULLY_CONNECTED, are compared with LiteRT, those of .onnx files, such as Gemm, with
    ONNX Runtime.
    """
    require_packages("networks", "tflite", "ai_edge_litert")
    require_packages("onnx", "onnx", "onnxruntime")
    from ..fuzzing import onnx_fuzz, tflite_fuzz

    fuzzers = {operator: kind.fuzz for kind in (tflite_fuzz, onnx_fuzz) for operator in kind.OPERATORS}
    unknown = [operator for operator in operators if operator not in fuzzers]
    if unknown:
        raise BadInput(f"operators must be among {', '.join(fuzzers)}, not {unknown[0]}")
    if output:
        check_writable(output)
    found = [fuzzers[operator](operator, values, seed) for operator in operators or fuzzers]
    Console(width=120).print(table_of(found))
    for one in found:
        for line in [one.first] if one.first else []:
            click.echo(f"{one.operator}, {line}")
        for reason, count in one.refused.items():
            click.echo(f"{one.operator}, {count} refused: {reason}")
    if output:
        record = {"values": values, "seed": seed, "operators": [dataclasses.asdict(one) for one in found]}
        write_file(output, (json.dumps(record, indent=2) + "\n").encode())
    return 1 if any(one.mismatches for one in found) else 0
