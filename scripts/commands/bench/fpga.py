"""``bitline bench fpga``: size and speed of each kind of array on ECP5."""

from pathlib import Path
from statistics import median, median_low

import click
from rich.table import Table

from ....constraints import BOARDS
from ....hdl.config import MacroConfig
from ...common.files import BadInput, check_writable, write_json
from ...common.jobs import run_jobs, scheduler_option
from ...common.progress import running
from ...common.tables import show
from ...fpga.array_flow import BITS, DEVICE, KINDS, Array, count_array, place_array
from ...fpga.block_usage import Blocks
from ...fpga.board_flow import MACRO, Design
from ...fpga.flow import pack_cells, synthesize, with_seeds
from ...fpga.netlist_check import check_netlist
from ...fpga.synth_report import count_blocks, versions

SIZES = "40x4,80x4,80x8"
REST = (64, 64)
# Of a row of figures: title and digits after the point.
FIGURES = {
    "lut_per_operation": ("LUT sites per 1b x 8b MAC", 2),
    "lut_per_mac": ("LUT sites per int8 MAC/cycle", 1),
    "fmax_mhz": ("Fmax, MHz", 0),
    "gmac_per_second": ("GMAC/s int8", 2),
    "gmac_per_second_per_kilolut": ("GMAC/s per 1000 LUT sites", 2),
}
# Figures of the picture; LUT sites per MAC are eight times those per operation, so one of the two is enough.
PICTURED = [name for name in FIGURES if name != "lut_per_mac"]


def measure(array, seeds, folder, *, checks=True, progress=None):
    """Synthesize an array, check it against the golden model, and place it with so many seeds.

    Parameters
    ----------
    array : Array
    seeds : int
    folder : Path
        Of all arrays; keeps the placements.
    checks : bool
        Simulate the netlist.
    progress : function, optional
        Takes lines of the tools.

    Returns
    -------
    dict
        See `figures`; ``counts`` as of `count_array`; ``checked``, the results that were compared.
    """
    folder = Path(folder).resolve() / array.name
    netlist = array.synthesize(folder, progress)
    counts = count_array(netlist, folder, progress)
    checked = check_netlist(array, netlist) if checks else 0
    runs = with_seeds(seeds, lambda seed: place_array(netlist, seed, folder, progress))
    middle = median_low(run["fmax_mhz"] for run in runs)
    return {
        "kind": array.kind.name, "title": array.kind.title, "rows": array.rows, "columns": array.columns,
        **figures(array.rows * array.columns, counts["array"]["placed_sites"], median(run["fmax_mhz"] for run in runs)),
        "seeds": {str(run["seed"]): run["fmax_mhz"] for run in runs},
        "critical_path": next(run["critical_path"] for run in runs if run["fmax_mhz"] == middle),
        "counts": counts, "carry_pins_opened": list(netlist.opened), "checked": checked,
    }


def measure_job(job):
    """`measure` on a worker."""
    array, seeds, folder, checks = job
    return measure(array, seeds, folder, checks=checks)


def measure_here(jobs):
    """The rows of all jobs, one after another, with progress of the tools."""
    with running("", len(jobs)) as progress:
        for done, (array, seeds, folder, checks) in enumerate(jobs):
            def show(line, done=done, array=array):
                progress(done, f"{array.name}: {line.removeprefix('Info: ')[:50]}")

            show("generating")
            yield measure(array, seeds, folder, checks=checks, progress=show)
            progress(done + 1)


def figures(operations, sites, fmax):
    """Size and rate of an array.

    Parameters
    ----------
    operations : int
        Per cycle: one bit of an input times an 8-bit weight. Eight of them are an int8 MAC.
    sites : int
        LUT sites.
    fmax : float
        MHz.
    """
    rate = operations / BITS * fmax / 1e3
    return {
        "operations_per_cycle": operations,
        "lut_per_operation": round(sites / operations, 4),
        "lut_per_mac": round(BITS * sites / operations, 3),
        "fmax_mhz": round(fmax, 3),
        "gmac_per_second": round(rate, 4),
        "gmac_per_second_per_kilolut": round(rate / sites * 1e3, 4),
    }


def measure_rest(rows, columns, folder, progress=None):
    """LUT sites of a table macro, and how many of them are neither columns nor accumulators; not placed."""
    config = MacroConfig(rows=rows, columns=columns, column="table")
    design = Design(BOARDS["ulx3s_85f"], config, macro_only=True)
    folder = Path(folder).resolve() / f"macro_{config.name}"
    netlist = synthesize(**design.synthesis, folder=folder, progress=progress)
    pack_cells(netlist, design.device, folder, constraints=design.constraints, progress=progress)
    counts = count_blocks(Blocks(netlist, MACRO, design.rest), folder / "packed.json")
    macro, columns_only = (counts[part]["placed_sites"] for part in ("macro", "columns_and_accumulators"))
    blocks = {kind: block["placed_sites"] for kind, block in counts["blocks"].items() if kind != design.rest}
    return {"rows": rows, "columns": columns, "macro": macro, "columns_and_accumulators": columns_only,
            "share_of_rest": round(1 - columns_only / macro, 4), "blocks": blocks}


def read_sizes(text):
    """Rows and columns, of ``80x4,160x16``."""
    try:
        sizes = [tuple(int(number) for number in size.split("x")) for size in text.split(",")]
        if all(len(size) == 2 and min(size) > 0 for size in sizes):
            return sizes
    except ValueError:
        pass
    raise BadInput(f"--sizes must be like {SIZES}, not {text}")


def read_kinds(text):
    """Kinds of arrays by their names."""
    names = text.split(",")
    for name in names:
        if name not in KINDS:
            raise BadInput(f"--kinds must be among {', '.join(KINDS)}, not {name}")
    return [KINDS[name] for name in names]


def make_table(rows):
    """The figures, for the console."""
    table = Table("array", "rows x columns", *(title for title, _ in FIGURES.values()), "seeds, MHz", "checked",
                  title=f"Columns and accumulators on {DEVICE.name} speed grade 6, weights of {BITS} bits")
    for row in rows:
        values = (f"{row[name]:,.{digits}f}" for name, (_, digits) in FIGURES.items())
        extras = [f"{row['counts']['array'][kind]} {label}" for kind, label in (("block_ram", "block RAMs"),
                                                                                ("dsp", "DSPs"))
                  if row["counts"]["array"][kind]]
        table.add_row(", ".join([row["title"], *extras]), f"{row['rows']} x {row['columns']}", *values,
                      ", ".join(f"{fmax:.0f}" for fmax in row["seeds"].values()), f"{row['checked'] or '-'}")
    return table


def draw(rows, path):
    """The figures over the sizes, a line for each kind."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), sharex=True, layout="constrained")
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    for axis, name in zip(axes.flat, PICTURED):
        for title in dict.fromkeys(row["title"] for row in rows):
            points = [(sizes.index(row["size"]), row[name]) for row in rows if row["title"] == title]
            axis.plot(*zip(*points), marker="o", label=title)
        axis.set_title(FIGURES[name][0], fontsize=11)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.set_xticks(range(len(sizes)), sizes)
        axis.margins(x=0.15)
    for axis in axes[1]:
        axis.set_xlabel("rows x columns")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    figure.suptitle(f"{DEVICE.name}, speed grade 6: weights of {BITS} bits, one bit of an input a cycle "
                    "(DSPs: all bits)", fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, help="Arrays to measure.")
@click.option("--sizes", default=SIZES, show_default=True,
              help="Rows x columns; arrays with larger units get the largest size within.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True,
              help="Placements; the median of their Fmax counts.")
@click.option("--check/--no-check", "checks", default=True, show_default=True,
              help="Simulate each netlist against the golden model.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/bench"), show_default=True,
              help="Gets fpga.json and fpga.png.")
@click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/bench_fpga"),
              show_default=True, help="Folder of what the tools write; keeps placements for the next run.")
@scheduler_option
def command(kinds, sizes, seeds, checks, out, folder, scheduler):
    """LUT sites, Fmax and rate of each kind of column on ECP5, beside a plain adder tree and DSPs."""
    kinds, sizes = read_kinds(kinds), read_sizes(sizes)
    check_writable(out / "fpga.json")
    arrays = [(f"{rows} x {columns}", Array(kind, *kind.resize(rows, columns)))
              for rows, columns in sizes for kind in kinds]
    report = {"device": DEVICE.name, "speed_grade": 6, "tools": versions(), "arrays": []}
    jobs = [(array, seeds, folder.resolve(), checks) for _, array in arrays]
    rows = run_jobs("measuring", measure_job, jobs, 0, scheduler) if scheduler else measure_here(jobs)
    for (size, _), row in zip(arrays, rows):
        report["arrays"].append({"size": size, **row})
        write_json(out / "fpga.json", report)
    with running("", 1) as progress:
        report["rest"] = measure_rest(*REST, folder, lambda line: progress(0, f"macro: {line[:50]}"))
        progress(1)
    write_json(out / "fpga.json", report)
    draw(report["arrays"], out / "fpga.png")
    show(make_table(report["arrays"]))
    rest = report["rest"]
    click.echo(f"a table macro of {REST[0]} x {REST[1]} takes {rest['macro']:,} LUT sites, of which "
               f"{100 * rest['share_of_rest']:.1f} % are neither columns nor accumulators")
    click.echo(out / "fpga.json")
    click.echo(out / "fpga.png")
