"""``bitline bench fpga``: size and speed of each kind of array on ECP5."""

from pathlib import Path
from statistics import median, median_low

import click

from ....constraints import BOARDS
from ....hdl.config import MacroConfig
from ...common.files import BadInput, check_writable, write_file, write_json
from ...common.jobs import run_jobs, scheduler_option
from ...common.progress import running
from ...common.tables import show
from ...fpga.array_flow import BITS, DEVICE, KINDS, Array, count_array, place_array
from ...fpga.block_usage import Blocks
from ...fpga.board_flow import Design
from ...fpga.flow import FlowError, pack_cells, synthesize, with_seeds
from ...fpga.netlist_check import check_netlist
from ...fpga.synth_report import count_blocks, versions
from ...peers.description import read_peers
from ...peers.design import PeerArray, read_design
from ...reports.array_figures import draw, make_document, make_table

SIZES = "40x4,80x4,80x8"
REST = (64, 64)


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
    return {
        "kind": array.kind.name, "title": array.kind.title, "rows": array.rows, "columns": array.columns,
        **place(netlist, array.operations, counts, seeds, folder, progress),
        "carry_pins_opened": list(netlist.opened), "checked": checked,
    }


def measure_peer(array, seeds, folder, *, progress=None):
    """`measure` of a peer, which has no golden model; what fails is in its row.

    Returns
    -------
    dict
        What its file says of it, and ``failed``, why it could not be measured; or else what `place` gives, and
        ``for_area``, the LUT sites of another netlist.
    """
    folder = Path(folder).resolve() / array.name
    try:
        netlist = array.synthesize(folder, progress)
        counts = count_array(netlist, folder, progress)
        small = array.synthesize(folder / "for_area", progress, for_area=True)
        sites = count_array(small, folder / "for_area", progress)["array"]["placed_sites"]
        placed = place(netlist, array.operations, counts, seeds, folder, progress)
    except FlowError as error:
        return array.peer.describe() | failure(error, folder)
    return {**array.peer.describe(), **placed,
            "for_area": {"placed_sites": sites, "lut_per_operation": round(sites / array.operations, 4)}}


def failure(error, folder):
    """Why a peer was not measured, with the place of the logs."""
    return {"failed": f"{error}" if str(folder) in str(error) else f"{error} (in {folder})"}


def place(netlist, operations, counts, seeds, folder, progress=None):
    """Place a netlist with so many seeds: `figures` with the median of Fmax, its critical path, and ``counts``."""
    runs = with_seeds(seeds, lambda seed: place_array(netlist, seed, folder, progress))
    middle = median_low(run["fmax_mhz"] for run in runs)
    return {
        **figures(operations, counts["array"]["placed_sites"], median(run["fmax_mhz"] for run in runs)),
        "seeds": {str(run["seed"]): run["fmax_mhz"] for run in runs},
        "critical_path": next(run["critical_path"] for run in runs if run["fmax_mhz"] == middle),
        "counts": counts,
    }


def measure_job(job, progress=None):
    """`measure` or `measure_peer`, on a worker or here."""
    array, seeds, folder, checks = job
    if isinstance(array, PeerArray):
        return measure_peer(array, seeds, folder, progress=progress)
    return measure(array, seeds, folder, checks=checks, progress=progress)


def measure_here(jobs):
    """The rows of all jobs, one after another, with progress of the tools."""
    with running("", len(jobs)) as progress:
        for done, job in enumerate(jobs):
            def show(line, done=done, name=job[0].name):
                progress(done, f"{name}: {line.removeprefix('Info: ')[:50]}")

            show("generating")
            yield measure_job(job, show)
            progress(done + 1)


def figures(operations, sites, fmax):
    """Size and rate of an array.

    Parameters
    ----------
    operations : int or float
        Per cycle: one bit of an input times an 8-bit weight. Eight of them are an int8 MAC.
    sites : int
        LUT sites; if there are none, there is no rate per LUT site.
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
        "gmac_per_second_per_kilolut": round(rate / sites * 1e3, 4) if sites else None,
    }


def measure_rest(rows, columns, folder, progress=None):
    """LUT sites of a table macro, and how many of them are neither columns nor accumulators; not placed."""
    config = MacroConfig(rows=rows, columns=columns, column="table")
    design = Design(BOARDS["ulx3s_85f"], config, macro_only=True)
    folder = Path(folder).resolve() / f"macro_{config.name}"
    netlist = synthesize(**design.synthesis, folder=folder, progress=progress)
    pack_cells(netlist, design.device, folder, constraints=design.constraints, progress=progress)
    counts = count_blocks(Blocks(netlist, design.division.path, design.rest), folder / "packed.json")
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


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, help="Arrays to measure.")
@click.option("--sizes", default=SIZES, show_default=True,
              help="Rows x columns; arrays with larger units get the largest size within.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True,
              help="Placements; the median of their Fmax counts.")
@click.option("--check/--no-check", "checks", default=True, show_default=True,
              help="Simulate each netlist against the golden model.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/bench"), show_default=True,
              help="Gets fpga.json and fpga.png; with --peers also peers.md.")
@click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/bench_fpga"),
              show_default=True, help="Folder of what the tools write; keeps placements for the next run.")
@click.option("--peers", metavar="DIR", type=click.Path(path_type=Path),
              help="Folder of TOML files that describe designs of others, to be measured beside (docs/peers.md).")
@scheduler_option
def command(kinds, sizes, seeds, checks, out, folder, peers, scheduler):
    """LUT sites, Fmax and rate of each kind of column on ECP5, beside a plain adder tree and DSPs."""
    kinds, sizes = read_kinds(kinds), read_sizes(sizes)
    check_writable(out / "fpga.json")
    peers, unread = read_designs(peers, folder.resolve()) if peers else ([], [])
    arrays = [(f"{rows} x {columns}", Array(kind, *kind.resize(rows, columns)))
              for rows, columns in sizes for kind in kinds]
    report = {"device": DEVICE.name, "speed_grade": 6, "tools": versions(), "arrays": [], "peers": []}
    jobs = [(array, seeds, folder.resolve(), checks) for array in [*(array for _, array in arrays), *peers]]
    rows = run_jobs("measuring", measure_job, jobs, 0, scheduler) if scheduler else measure_here(jobs)
    for index, row in enumerate(rows):
        if index < len(arrays):
            report["arrays"].append({"size": arrays[index][0], **row})
        else:
            report["peers"].append(row)
        write_json(out / "fpga.json", report)
    report["peers"] += unread
    with running("", 1) as progress:
        report["rest"] = measure_rest(*REST, folder, lambda line: progress(0, f"macro: {line[:50]}"))
        progress(1)
    write_json(out / "fpga.json", report)
    draw(report["arrays"], report["peers"], out / "fpga.png")
    return summarize(report, out)


def read_designs(folder, build):
    """The peers of a folder that can be read, and the rows of the others."""
    designs, unread = [], []
    for stem, peer in read_peers(folder).items():
        try:
            designs.append(read_design(stem, peer, build / f"peer_{stem}" / "read"))
        except FlowError as error:
            unread.append(peer.describe() | failure(error, build))
    return designs, unread


def summarize(report, out):
    """Print a report, and write its table for documents; the status of the command."""
    show(make_table(report["arrays"], report["peers"]))
    rest = report["rest"]
    click.echo(f"a table macro of {rest['rows']} x {rest['columns']} takes {rest['macro']:,} LUT sites, of which "
               f"{100 * rest['share_of_rest']:.1f} % are neither columns nor accumulators")
    names = ["fpga.json", "fpga.png"]
    if report["peers"]:
        write_file(out / "peers.md", make_document(report))
        names.append("peers.md")
    for name in names:
        click.echo(out / name)
    failed = [row for row in report["peers"] if "failed" in row]
    for row in failed:
        click.echo(f"bitline: {row['name']} was not measured: {row['failed']}", err=True)
    return 1 if failed else 0
