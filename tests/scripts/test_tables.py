"""Tables in narrow terminals."""

import pytest
from bitline.scripts.commands import doctor
from bitline.scripts.common.tables import show
from rich.table import Column, Table

HEADS = ("layer", "packing", "tiles", "cycles", "predicted", "utilization", "planes skipped", "mismatches")
ROWS = [("operator 0 (CONV_2D)", "1 x 1 positions, 64 channels", "1", "1,234,567", "1,234,567", "59.4%", "0.0%", "0"),
        ("operator 1 (DEPTHWISE_CONV_2D)", "4 x 5 positions", "32", "1,927", "1,927", "7.0%", "1.0%", "12")]


def letters(text):
    """What words are made of, in any order: a word that goes on in the next line has the same."""
    return sorted(letter for letter in text if letter.isalnum() or letter in ",.%()_")


def shown(capsys, rows, heads):
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    show(table)
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", ["30", "80", "200"])
def test_nothing_is_cut(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    output = shown(capsys, ROWS, HEADS)
    assert letters(output) == letters("".join([*HEADS, *(cell for row in ROWS for cell in row)]))
    assert max(map(len, output.splitlines())) <= int(columns)


def test_numbers_stay_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    output = shown(capsys, [("operator 1", *row[1:]) for row in ROWS], [Column("layer"), "how", *HEADS[2:]])
    assert output.count("1,234,567") == 2 and "utilization" in output


def test_a_pipe_has_no_width(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert "operator 1 (DEPTHWISE_CONV_2D)" in shown(capsys, ROWS, HEADS)


def test_names_of_tools_stay_whole(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, output, _ = cli("doctor")
    assert "…" not in output and all(tool.name in output for tool in doctor.tools())
