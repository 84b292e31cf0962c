"""``bitline asic``: a macro in standard cells, its area, clock and energy, beside a plain array."""

import math
from pathlib import Path

import click

from ..asic.bound import bound
from ..asic.cells.array import find_array
from ..asic.cells.latches import check_latches
from ..asic.cells.roles import PACKAGE, default_files, find_roles, read_cells
from ..asic.data import RUNS, activity, read_data, read_sample
from ..asic.designs import ArrayWork, MacroWork
from ..asic.flow import CLOCK, Setting, build, comparison, label, run, run_sample
from ..asic.loads import Wires
from ..asic.report import columns, files, lines, tables
from ..asic.simulation import simulator
from ..asic.views.views import remove_stale, views
from ..common.files import BadInput, check_writable, require_packages, write_files
from ..common.lef import read_sizes, read_technology
from ..common.options import config_options, required
from ..common.progress import running
from ..common.tables import show
from ..layout.constants import without_constants
from ..layout.flow import STEPS, TechnologyFiles, check_tools, measure_layout
from ..layout.report import layout_lines, layout_tables, page_section


def read_layers(technology, liberty, lef):
    """The layers that views have pins on, and the rows: of the LEF given for them, or else of that of the cells."""
    # Debian's layers are those of its own cells alone.
    default = None if liberty else default_files()
    cells = lef or (default and [default[1]])
    if not technology and not cells:
        raise BadInput("--views must come with --technology, a LEF file of layers and sites, and does not")
    layers = read_technology(technology or cells)
    if cells:
        check_heights(layers, {name: height for name, (_, height) in read_sizes(cells).items()})
    return layers


def check_heights(layers, heights):
    """BadInput if no cell is as high as a row: then layers and cells are of two processes."""
    if not any(math.isclose(height, layers.row_height, rel_tol=1e-4) for height in heights.values()):
        name, height = next(iter(heights.items()))
        raise BadInput(f"--technology must have rows as high as cells, and {layers.site} is {layers.row_height:g} um, "
                       f"{name} {height:g} um")


def check_macro(config):
    """BadInput if a macro is none for standard cells."""
    if any(shape.writers for shape in config.shapes):
        raise BadInput(f"column must be without tables for standard cells, and is {config.column}")
    if config.fuse > 1:
        raise BadInput(f"fuse must be 1 for standard cells, and is {config.fuse}")


def check_layout(liberty, lef):
    """BadInput or FlowError if a layout of these cells cannot be made here."""
    if liberty or lef:
        raise BadInput(f"--layout must be of the cells of {PACKAGE}, and --liberty or --lef names others")
    check_tools(TechnologyFiles())


def roles_of(library, full_adder, half_adder, clock_gating, bitcell, config):
    """The roles of a library's cells; BadInput if it lacks one that an option or a macro needs."""
    roles = find_roles(library, full_adder, half_adder)
    if clock_gating and roles.clock_gate is None:
        raise BadInput(f"--clock-gating must come with a library that has a clock gate, and {library.name} has none")
    if bitcell == "latch":
        check_latches(roles, library)
    if bitcell == "array":
        find_array(config, library)
    return roles


def measure(report, config, data, sample, bitcell, library, roles, setting, folder, layers, layout_minutes):
    """Build and simulate macro and plain array; adds figures to the report, and gives the files of both."""
    contents, network, macro = {}, {}, None
    works = {"macro": lambda data: MacroWork(config, data, bitcell),
             "mac_array": lambda each: ArrayWork(config, each, len(data.inputs))}
    change = (lambda netlist: without_constants(netlist, library, roles)) if layout_minutes else None
    with running("", 2 * len(works) + (len(STEPS) if layout_minutes else 0)) as progress:
        for done, (name, work) in enumerate(works.items()):
            built = build(work(data), library, roles, setting, folder / config.name / name,
                          lambda line, done=done, name=name: progress(2 * done, f"{name}: {line[:60]}"), change)
            progress(2 * done + 1, f"{name}: simulation")
            report[name] = run(work(data), built, library, setting)
            if sample:
                works_of_runs = [work(each) for each in sample.data]
                network[name] = run_sample(works_of_runs, sample, built, library, setting)
            contents[f"{name}.v"] = built.netlist.verilog()
            if name == "macro" and layers:
                made, report["views"] = views(built, library, roles, setting, layers, CLOCK, config.rows,
                                              report["label"], report[name])
                contents |= made
            macro = built if name == "macro" else macro
        if layout_minutes:
            report["layout"], made = measure_layout(
                works["macro"](data), macro, library, setting, folder / config.name / "layout", 60 * layout_minutes,
                lambda step, line: progress(2 * len(works) + step, f"{STEPS[step]}: {line[:60]}"))
            contents |= made
    measured = [(report, [data], None, None)]
    if sample:
        report["network"] = {"data": sample.words, "runs": [each.words for each in sample.data],
                             "weights": sample.weights, "row_writes": sample.row_writes, **network}
        measured.append((report["network"], sample.data, sample.weights, sample.layers))
    for found, samples, weights, layers_of_runs in measured:
        found["macro"]["activity"] = activity(samples, config, weights)
        found["macro"]["bound"] = bound(config, found["macro"], roles, library.voltage, bitcell)
        found["ratio"] = comparison(found["macro"], found["mac_array"], layers_of_runs)
    return contents


@click.command()
@click.option("--liberty", metavar="FILE", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help=f"Cells, a .lib file, also compressed; several of one corner. [default: that of Debian's {PACKAGE}]")
@click.option("--lef", metavar="FILE", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Sizes of cells, where liberty's areas are not to be trusted.")
@click.option("--full-adder", metavar="CELL", help="Cell, or none to make it of others. [default: the smallest]")
@click.option("--half-adder", metavar="CELL", help="The same of a half adder.")
@click.option("--dont-use", metavar="PATTERN", multiple=True, help="Cells to make nothing of, such as '*_lp*'.")
@click.option("--bitcell", type=click.Choice(["flip_flop", "latch", "array"]), default="flip_flop", show_default=True,
              help="What keeps a bit of a weight; array: a cell with all bits of a column, one of those of --liberty.")
@click.option("--clock-gating", is_flag=True, help="Stop the clock of registers that keep what they have.")
@click.option("--corner", metavar="NAME", default="", help="Label of the figures. [default: liberty's conditions]")
@click.option("--period", metavar="NS", type=click.FloatRange(0, min_open=True),
              help="What logic should take at most. [default: 40 delays of an inverter]")
@click.option("--utilization", type=click.FloatRange(0.05, 1), default=Wires.utilization, show_default=True,
              help="Share of a layout that cells take; without --layout for the length of wires and the size of views.")
@click.option("--wire-pitches", type=click.FloatRange(0), default=Wires.pitches, show_default=True,
              help="Length of the wire of each driven pin, in pitches of cells; 0: no wires.")
@click.option("--wire-capacitance", metavar="FF", type=click.FloatRange(0), default=Wires.capacitance * 1e3,
              show_default=True, help="fF per um of wire.")
@click.option("--vectors", type=click.IntRange(1), default=16, show_default=True,
              help="Random vectors; with --network also those of a run.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of what is random.")
@click.option("--weights", metavar="FILE", type=click.Path(path_type=Path), help="Weights (rows, columns), .npy.")
@click.option("--inputs", metavar="FILE", type=click.Path(path_type=Path),
              help="Vectors (vectors, rows), .npy; with --network inputs of it, as of bitline run.")
@click.option("--network", metavar="MODEL", type=click.Path(path_type=Path),
              help="Beside random data also weights and activations of this network.")
@click.option("--runs", type=click.IntRange(1),
              help=f"Runs of neighboring vectors that are drawn of each of the network's layers. [default: {RUNS}]")
@click.option("--views", "has_views", is_flag=True,
              help="Also an abstract, a timing model, constraints and a floorplan of the macro.")
@click.option("--technology", metavar="FILE", multiple=True,
              type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="LEF of layers and sites, for --views. [default: that of the cells]")
@click.option("--layout", is_flag=True, help="Place and route the macro, check the layout, and measure with its wires.")
@click.option("--layout-minutes", type=click.FloatRange(0, min_open=True), default=60, show_default=True,
              help="Time that placing, routing and checking the layout may take.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True,
              help="Gets report.html, report.json and the netlists.")
@click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/asic"),
              show_default=True, help="Folder for files of the tools.")
@config_options(defaults={"tree": "carry_save"})
def command(liberty, lef, full_adder, half_adder, dont_use, bitcell, clock_gating, corner, period, utilization,
            wire_pitches, wire_capacitance, vectors, seed, weights, inputs, network, runs, has_views, technology,
            layout, layout_minutes, out, folder, config):
    """Build a macro of standard cells, simulate it, and report area, clock and energy beside a plain array."""
    config = required(config)
    require_packages("demo", "matplotlib")
    check_macro(config)
    check_writable(out / "report.json")
    if layout:
        check_layout(liberty, lef)
    simulator()
    if technology and not has_views:
        raise BadInput("--technology must come with --views, and does not")
    layers = read_layers(technology, liberty, lef) if has_views else None
    library, area_from = read_cells(liberty, lef, dont_use)
    roles = roles_of(library, full_adder, half_adder, clock_gating, bitcell, config)
    sample = read_sample(config, network, weights, inputs, runs, vectors, seed)
    data = read_data(config, weights, None if sample else inputs, vectors, seed)
    setting = Setting(Wires(wire_pitches, utilization, wire_capacitance * 1e-3), period, clock_gating, corner, seed)
    report = {"design": config.name, "configuration": config.to_dict(),
              "label": label(library, setting, config, data, bitcell) | {"area_from": area_from}}
    contents = measure(report, config, data, sample, bitcell, library, roles, setting, folder, layers,
                       layout_minutes if layout else 0)
    write_files(out, {**contents, **files(report, page_section(report, contents))})
    remove_stale(out, contents)
    print_report(report)
    for line in [*(out / name for name in contents if has_views), out / "report.html"]:
        click.echo(line)
    return status(report)


def print_report(report):
    """Tables and lines on standard output."""
    for table in [*tables(report), *layout_tables(report)]:
        show(table)
    for line in [*lines(report), *layout_lines(report)]:
        click.echo(line)


def status(report):
    """1 if a netlist gave a wrong result, or a layout is not that of its netlist."""
    figures = [*columns(report).values(), *([report["layout"]["figures"]] if "layout" in report else [])]
    is_wrong = any(each["results"]["wrong"] for each in figures)
    return 1 if is_wrong or not report.get("layout", {"matches": True})["matches"] else 0
