"""``bitline bench core``: the sustained rate of a core at its streams, and its size on an FPGA."""

import json
import tempfile
from pathlib import Path

import click
from rich.table import Table

from ....verif.sim.core import build_core
from ....verif.sim.simulators import testbench
from ...common.files import BadInput, check_writable, require_packages, write_json
from ...common.options import INTERVALS, build_option, config_options, core_options
from ...common.progress import running
from ...common.tables import show
from ...fpga.core_flow import check_core, measure_size, place_core, synthesize_core

MIN_EFFICIENCY, MIN_DMA_EFFICIENCY, MAX_RELOAD_COST = 0.99, 0.95, 0.01


def measure_rate(config, vectors, folder):
    """The figures of `tb_core_rate`, or with a DMA, whose memory takes 100 cycles to answer, of `tb_dma`."""
    core = build_core(config, folder=folder)
    testbench_name, test = ("tb_dma", {"COCOTB_TEST_FILTER": r"\.rate$"}) if config.dma else ("tb_core_rate", {})
    with tempfile.TemporaryDirectory() as name:
        figures = Path(name) / "figures.json"
        core.run(testbench(testbench_name), seed=1, folder=Path(name), environment={
            **test, "BITLINE_CORE_CONFIG": config.to_json(), "BITLINE_VECTORS": str(vectors),
            "BITLINE_FIGURES": str(figures)})
        return json.loads(figures.read_text(encoding="utf-8"))


def check_rate(rate):
    """BadInput if the figures of a core's rate break the rules."""
    minimum = MIN_EFFICIENCY if "reload_cost" in rate else MIN_DMA_EFFICIENCY
    if rate["efficiency"] < minimum:
        raise BadInput(f"rate of {rate['vectors']:,} vectors must be at least {minimum:.0%} of the array's "
                       f"peak, not {rate['efficiency']:.1%} ({rate['peak']:,} planes in {rate['cycles']:,} cycles); "
                       "the latency counts less with more --vectors")
    if rate.get("reload_cost", 0) > MAX_RELOAD_COST:
        raise BadInput(f"a reload must cost at most {MAX_RELOAD_COST:.0%} of the cycles, not {rate['reload_cost']:.1%} "
                       f"({rate['cycles_with_reload']:,} cycles with it, {rate['cycles']:,} without)")


def overhead(blocks):
    """Share of the LUT sites that are neither columns nor accumulators."""
    sites = {block: count["lut_sites"] for block, count in blocks.items()}
    return 1 - sites["columns"] / sum(sites.values())


def measure_clock(config, seeds, check, folder):
    """Fmax and critical paths of a core between registers; the netlist is simulated first if asked for."""
    with running("", 2 + check) as progress:
        netlist = synthesize_core(config, folder, lambda line: progress(0, f"synthesis: {line[:60]}"))
        if check:
            progress(1, "simulating the netlist")
            check_core(config, netlist)
        placed = place_core(config, netlist, seeds, folder, lambda line: progress(1 + check, line[:70]))
    return placed | {"checked": check}


@click.command()
@config_options(interval=lambda arguments: INTERVALS["ecp5"])
@core_options
@click.option("--vectors", type=click.IntRange(1, 1000000), default=1000, show_default=True, help="To measure with.")
@click.option("--seeds", type=click.IntRange(0, 100), default=0, show_default=True,
              help="Placements to measure the clock with; the report has the median of their Fmax.")
@click.option("--check", is_flag=True,
              help="Simulate the netlist that is placed against the golden model; only with --seeds.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/core.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(config, core, vectors, seeds, check, out, folder):
    """Rate of a core at its streams, and its LUT sites on ECP5. The macro needs two banks, for a reload meanwhile."""
    if core is None:
        raise BadInput("a core must be described with --core and the options of its macro, and is not")
    if config.banks < 2:
        raise BadInput(f"banks must be 2 or more to reload one, not {config.banks}")
    if core.bus != "axi":
        raise BadInput(f"bus must be axi to be measured, not {core.bus}")
    if check and not seeds:
        raise BadInput("--check must come with --seeds, and does not")
    require_packages("test", "cocotbext")
    check_writable(out)
    blocks = measure_size(core, folder.parent / "size")
    report = {"core": core.name, "configuration": core.to_dict(), "rate": measure_rate(core, vectors, folder),
             "blocks": blocks, "overhead": overhead(blocks)}
    if seeds:
        report["placed"] = measure_clock(core, seeds, check, folder.parent / "size" / f"{core.name}_placed")
    table = Table("block", "LUT sites", "flip-flops", "DSPs", "block RAMs", title=f"{core.name}, ECP5, not placed")
    for block, count in sorted(blocks.items(), key=lambda item: -item[1]["lut_sites"]):
        table.add_row(block, *(f"{count[kind]:,}" for kind in ("lut_sites", "flip_flop", "dsp", "block_ram")))
    show(table)
    rate = report["rate"]
    reload = f"; a reload meanwhile costs {100 * rate['reload_cost']:.2f} %" if "reload_cost" in rate else ""
    click.echo(f"{rate['vectors']} vectors took {rate['cycles']} cycles, {100 * rate['efficiency']:.2f} % of the "
               f"array's peak{reload}")
    click.echo(f"{100 * report['overhead']:.1f} % of the LUT sites are neither columns nor accumulators")
    for placed in report.get("placed", {}).get("seeds", ()):
        click.echo(f"seed {placed['seed']}: {placed['fmax_mhz']:.1f} MHz, {placed['critical_path']['words']}")
    write_json(out, report)
    click.echo(out)
    check_rate(rate)
