import json
import re
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.cycles import WriterCycles
from bitline.golden.tables import table_entries, table_levels, table_reads, table_sums
from bitline.hdl.config import MacroConfig
from bitline.hdl.config.tables import TableShape
from bitline.scripts.commands.diagrams import diagrams
from bitline.scripts.common.options import CORE_FIELDS, FORMAT_FIELDS, MACRO_FIELDS, table_of
from bitline.scripts.documents import core_tables, engine_tables, format_tables
from bitline.scripts.main import COMMANDS
from bitline.scripts.mutation import scores
from bitline.verif.engine.small_engines import DRAWN
from bitline.verif.sim.simulators import source, source_files

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The pages that name tests.
PLAN = ROOT / "docs" / "test_plan.md"
CHECKED = [PLAN, ROOT / "docs" / "verification.md", ROOT / "docs" / "measurements.md"]


@pytest.mark.parametrize("document, fields", [
    ("README.md", MACRO_FIELDS), ("docs/integration.md", CORE_FIELDS), ("docs/formats.md", FORMAT_FIELDS)])
def test_tables_of_options_are_those_of_the_configuration(document, fields):
    assert table_of(fields) in (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [core_tables.registers_table, core_tables.signals_table, core_tables.keys_table,
                                   core_tables.durations_table], ids=lambda function: function.__name__)
def test_tables_of_a_core_are_those_of_the_gateware(table):
    assert f"\n\n{table()}\n" in (ROOT / "docs" / "integration.md").read_text(encoding="utf-8"), f"now: {table()}"


def test_what_durations_of_a_core_are_made_of_is_that_of_the_model():
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    assert f" {core_tables.durations_sentence()} " in f" {' '.join(text.split())} "


@pytest.mark.parametrize("table", [engine_tables.configuration_table, engine_tables.descriptors_table,
                                   engine_tables.registers_table],
                         ids=lambda function: function.__name__)
def test_tables_of_an_engine_are_those_of_the_code(table):
    assert f"\n\n{table()}\n" in (ROOT / "docs" / "engine.md").read_text(encoding="utf-8"), f"now: {table()}"


def test_table_of_drawn_programs_is_what_was_counted():
    """By `bitline fuzz --engine 10000 --output docs/drawn_programs.json`."""
    record = json.loads((ROOT / "docs" / "drawn_programs.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    table = engine_tables.drawn_programs_table(record)
    assert f"\n\n{table}\n" in text, f"now: {table}"
    assert sum(sum(ends.values()) for ends in record["programs"].values()) == 10_000
    assert record["mismatches"] == [line[3:-1] for line in text.splitlines() if line.startswith("- `seed ")]
    assert record["engines"] == {name: each.hash for name, each in DRAWN.items()}


def test_tables_of_mutants_are_what_was_counted():
    """By `bitline mutate`, which writes `mutants.json`. Survivors have arguments, and nothing else has."""
    record, arguments = (json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
                         for name in ("mutants.json", "mutant_arguments.json"))
    text = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    for made in (scores.scores_table(record), scores.killed_blocks(record), scores.blocks_table(record),
                 scores.survivors_table(record, arguments)):
        assert f"\n\n{made}\n" in text, f"now: {made}"
    assert sorted(arguments) == sorted(record["survivors"])


@pytest.mark.parametrize("table", [
    format_tables.ports_table, format_tables.macros_table, format_tables.numbers_table, format_tables.header_table,
    format_tables.packets_table, format_tables.core_registers_table, format_tables.core_errors_table],
                         ids=lambda function: function.__name__)
def test_tables_of_block_macros_are_those_of_the_gateware(table):
    assert f"\n\n{table()}\n" in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8"), f"now: {table()}"


def test_table_of_block_cores_is_what_was_measured():
    rows = json.loads((ROOT / "docs" / "block_cores.json").read_text(encoding="utf-8"))["gateware"]
    table = format_tables.core_sizes_table(rows)
    assert f"\n\n{table}\n" in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8"), f"now: {table}"
    assert sum("core" in row["format"] for row in rows) == 3


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_paragraphs_are_no_rows_of_tables(path):
    """After a table comes an empty line; what follows at once would be another row of it."""
    outside = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\|.*\n(?!\||\n|\Z).*", outside, re.MULTILINE) == []


def test_named_tests_exist():
    tables = re.findall(r"^\|.*", PLAN.read_text(encoding="utf-8"), re.MULTILINE)
    plan = re.findall(r"`(\w+)`", "".join(tables))
    testbenches = [path for path in source_files() if path.match("tb_*.py")]
    exist = set(re.findall(r"^(?:async )?def (\w+)", "".join(
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("tests/**/test_*.py"), *testbenches,
                                                      source("coverage.py")]), re.MULTILINE))
    assert len(plan) > 40
    assert not set(plan) - exist
    for document in CHECKED:
        assert not set(re.findall(r"`(test_\w+)`", document.read_text(encoding="utf-8"))) - exist, document.name


def test_every_testbench_is_in_the_plan():
    text = PLAN.read_text(encoding="utf-8")
    for path in (path for name in ("macro", "core*", "registers", "bus", "link")
                 for path in source_files() if path.match(f"tb_{name}.py")):
        for name in re.findall(r"@cocotb.test\(.*\)\nasync def (\w+)", path.read_text(encoding="utf-8")):
            assert f"`{name}`" in text, f"{name} of {path.name}"


def test_commands_of_the_documents_exist():
    for document in DOCUMENTS:
        for name in re.findall(r"(?:`|^)bitline ([a-z]+)\b", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in COMMANDS, f"{document.name}: bitline {name}"
    readme = DOCUMENTS[0].read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"`bitline {name}`" in readme


def test_diagrams_are_what_the_simulation_gives():
    for name, drawing in diagrams("verilator", Path("build/sim")).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == drawing, f"{name}: draw it again"


def test_template_names_the_macro_that_it_describes():
    text = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
    names = set(re.findall(r"bitline_\d+x\d+_\w+", text))
    assert names == {MacroConfig(rows=4, columns=4, banks=2, fuse=2, max_accumulations=4).name}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def anchors(document):
    """The anchors that GitHub gives the headings of a document."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_headings(document):
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert anchor in anchors(document.parent / target if target else document), f"{target}#{anchor}"


def test_readme_maps_the_folders():
    readme = DOCUMENTS[0].read_text(encoding="utf-8")
    for folder in ROOT.iterdir():
        if (folder / "__init__.py").exists() or folder.name in ("tests", "docs"):
            assert f"| [{folder.name}]({folder.name}) |" in readme


def test_shapes_of_tables_are_those_of_the_gateware():
    text = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    sections = (("lut_ram", text[text.index("## Tables in LUT-RAM"):text.index("## Tables in block RAM")]),
                ("block_ram", text[text.index("## Tables in block RAM"):]))
    for storage, section in sections:
        rows = re.findall(r"^\| (\d+)(?: to (\d+))? \| (\d+) \| (\d+) \| (\d+) \|$", section, re.MULTILINE)
        banks = []
        for first, last, *numbers in rows:
            for count in range(int(first), int(last or first) + 1):
                shape = TableShape(storage, 80, 8, count)
                expected = shape.group_rows, 1 << shape.address_bits, shape.table_fill_cycles
                assert numbers == [str(number) for number in expected], count
                banks.append(count)
        assert banks == list(range(1, 17))


def test_cycles_of_a_bank_are_those_of_the_model():
    text = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    section = text[text.index("## Cycles of a bank"):text.index("## Columns alone and whole macro")]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", section, re.MULTILINE)
    assert len(rows) == 5
    for row_count, banks, *numbers in (map(int, row) for row in rows):
        found = []
        for table_writers in (1, 2):
            config = MacroConfig(rows=row_count, columns=1, banks=banks, column="table", table_writers=table_writers)
            (shape,) = config.shapes
            found += [shape.bank_cycles(row_count), cycles_of_a_bank(config, shape)]
        assert numbers == found, banks


def cycles_of_a_bank(config, shape):
    """Cycles from the first row that is offered to the last complete table."""
    writers = [WriterCycles(config, shape, index) for index in range(shape.writers)]
    row = cycles = 0
    while row < config.rows or any(writer.busy(0) for writer in writers):
        write = (0, row) if row < config.rows and all(writer.ready for writer in writers) else None
        row += write is not None
        for writer in writers:
            writer.step(write, None)
        cycles += 1
    return cycles


def test_example_of_a_table_is_right():
    text = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    shape, weights = TableShape("lut_ram", 3, 8, 4), np.array([[3], [-2], [4]])
    entries = re.findall(r"^\| (\d) \| `.* = (-?\d+)` \| (\d) \| (-?\d+) \|$", text, re.MULTILINE)
    assert [int(total) for _, total, _, _ in entries] == table_entries(shape, weights)[0, :, 0].tolist()
    assert all(int(total) == 2 * int(half) + int(parity) for _, total, parity, half in entries)
    planes = re.findall(r"^\| ([01] [01] [01]) \| (\d) \| (\d) \| (-?\d+) \| (\d) \| (-?\d+).*\| (?:`(-?\d+).*`)? *\|$",
                        text, re.MULTILINE)
    assert len(entries) == 4 and len(planes) == 4
    for bits, *numbers, result in planes:
        plane = np.array(bits.split(), dtype=int)
        (address,), (sign,) = table_reads(shape, plane)
        (((value,), (carry,)),) = table_levels(shape, weights, plane)[0]
        assert numbers == [str(number) for number in (address, sign, int(value), int(carry[0]), int(value + carry[0]))]
        assert int(result or 0) == table_sums(shape, weights, plane)[0] == (plane @ weights)[0]


def test_latencies_of_the_documents():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    kinds = {"`carry_chain`": {}, "`carry_save`": {"tree": "carry_save"}, "LUT-RAM": {"column": "table"},
             "block RAM": {"column": "table", "block_ram_columns": 4}}
    rows = re.findall(r"^\| (\d+) \| (\d+) \| ([^|]+) \| (\d) \| (\d+) \| (\d) \| (\d+) \| (\d+) \|$", text,
                      re.MULTILINE)
    assert len(rows) > 8
    for row_count, banks, kind, fuse, *numbers in rows:
        config = MacroConfig(rows=int(row_count), columns=4, banks=int(banks), fuse=int(fuse), **kinds[kind])
        assert numbers == [str(number) for number in (config.column_latency, config.fuse_latency, config.latency,
                                                      800 + config.latency)]
