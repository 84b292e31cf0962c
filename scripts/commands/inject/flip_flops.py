"""Single flips of control and data-path flip-flops of a macro or core, and the result of each."""

import hashlib
import random
import subprocess
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path

import click
from rich.table import Table

from ....hdl.config import CoreConfig, MacroConfig
from ....verif.fault_injection.flip_flops import bench, program, with_flips
from ....verif.sim.build import compile_program
from ....verif.sim.simulators import SimulatorError, require_simulator, source
from ...common.files import BadInput, check_writable, write_json
from ...common.progress import running
from ...common.tables import show
from ...integration.core_steps import core_steps
from ...integration.steps import split_beat

# By the letters that `flip_flops.cpp` prints.
RESULTS = {"m": "masked", "d": "detected", "w": "wrong result", "h": "hang", "s": "hang that a reset leaves"}
# By default: both kinds of column, and every block.
MACROS = [MacroConfig(rows=8, columns=4, banks=2, fuse=2, max_accumulations=3),
          MacroConfig(rows=9, columns=3, banks=2, max_accumulations=2, column="table")]
# Quantile of the normal distribution for 95 % confidence.
Z = 1.959964


def wilson(hits, count):
    """The 95 % confidence interval of a proportion of which ``hits`` of ``count`` were observed.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA, June 1927.
    """
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def draw(flip_flops, cycles, count, seed):
    """Flip-flops, by index, and cycles: the same number in each block, uniform over its flip-flops and the cycles.

    Parameters
    ----------
    flip_flops : list of FlipFlop
    cycles : int
        Length of the run without a flip.
    count : int
        Flips in all; rounded up to a multiple of the number of blocks.
    seed : int
    """
    rng, blocks = random.Random(seed), {}
    for number, flip_flop in enumerate(flip_flops):
        blocks.setdefault(flip_flop.block, []).append(number)
    each = -(-count // len(blocks))
    return [(rng.choice(numbers), rng.randrange(cycles)) for _, numbers in sorted(blocks.items()) for _ in range(each)]


def core_program(config, has_tests):
    """The program for `core_flips.cpp`, steps of the core's own testbench: loads, vectors, self-tests or not."""
    steps = core_steps(config, has_tests=has_tests)
    tells = [steps.registers[name].offset for name in ("error", "status")]
    lines = [f"{len(tells):x} {len(steps.steps):x} {len(steps.results):x}", *(f"{offset:x}" for offset in tells)]
    rows = [*map(steps.parts, steps.steps), *(split_beat(beat, config.output_stream_bits) for beat in steps.results)]
    lines += [" ".join(f"{number:x}" for number in row) for row in rows]
    return "\n".join([*lines, ""])


def compile_bench(config, folder, verilog=None):
    """The program that runs a macro or core with flips, compiled if needed, and the list of flip-flops."""
    is_core = isinstance(config, CoreConfig)
    netlist, flip_flops = with_flips(config, verilog)
    text = netlist + ("" if is_core else bench(config, flip_flops))
    main, header = source("core_flips.cpp" if is_core else "flip_flops.cpp"), source("flips.h")
    key = hashlib.sha256("".join((text, *(path.read_text(encoding="utf-8") for path in (main, header)))).encode()
                         ).hexdigest()[:8]
    work = folder.resolve() / f"{config.name}_flips_{key}"
    if not (work / "complete").exists():
        work.mkdir(parents=True, exist_ok=True)
        (work / "bench.v").write_text(text, encoding="utf-8")
        compile_program(work / "flips", config.name if is_core else "bench", [work / "bench.v", main], "--prefix",
                        "Vbench", "-O3", "--x-assign", "fast", "--x-initial", "0", "-CFLAGS",
                        f"-O1 -I{header.parent}" + (" -DCHECKSUM" if is_core and config.checksum else ""))
        (work / "complete").touch()
    return work / "flips", flip_flops


def inject(config, count, seed, folder, verilog=None, *, has_tests=False):
    """Flip ``count`` flip-flops of a macro, or of a core around its macro, one in each run.

    Returns
    -------
    dict
        The design's name, cycles of the run without a flip, flip-flops of each block, and how often each of `RESULTS`
        was observed in it; ``stuck``, the flips whose hang a reset did not end.
    """
    binary, flip_flops = compile_bench(config, folder, verilog)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "program"
        path.write_text(core_program(config, has_tests) if isinstance(config, CoreConfig) else program(config, seed),
                        encoding="ascii")

        def run(pairs):
            text = "".join(f"{flip} {cycle}\n" for flip, cycle in pairs)
            done = subprocess.run([str(binary), str(path)], input=text, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SimulatorError(f"{config.name} must give the right results without a flip, and does not")
            return done.stdout.split()

        cycles = int(run([])[0])
        pairs = draw(flip_flops, cycles, count, seed)
        results = run(pairs)[1:]
    blocks = {}
    for (flip, _), result in zip(pairs, results, strict=True):
        blocks.setdefault(flip_flops[flip].block, Counter())[RESULTS[result]] += 1
    bits = Counter(flip_flop.block for flip_flop in flip_flops)
    return {"design": config.name, "has_tests": has_tests, "configuration": config.to_dict(), "seed": seed,
            "cycles": cycles,
            "blocks": {block: {"flip_flops": bits[block], "flips": sum(counts.values()),
                               **{result: counts[result] for result in RESULTS.values()}}
                       for block, counts in sorted(blocks.items())},
            "stuck": [[flip_flops[flip].name, cycle] for (flip, cycle), result in zip(pairs, results)
                      if result == "s"]}


def make_table(report):
    """For each block the share of each result, in percent, and its interval."""
    table = Table("block", "flip-flops", "flips", *RESULTS.values(), title=f"{report['design']}"
                  f"{', with self-tests' if report['has_tests'] else ''}: share of flips, in "
                  f"percent, and its 95 % interval (Wilson)")
    for block, row in report["blocks"].items():
        table.add_row(block, *(f"{row[name]:,}" for name in ("flip_flops", "flips")),
                      *(share(row[result], row["flips"]) for result in RESULTS.values()))
    return table


def share(hits, count):
    """A share and its interval."""
    low, high = wilson(hits, count)
    return f"{100 * hits / count:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def run(config, count, seed, out, folder):
    """Inject flips into a macro, half of them into each of two by default, or into a core, in each of two programs.

    Returns
    -------
    int
        Exit status: 1 if a reset did not end a hang.
    """
    require_simulator("verilator")
    check_writable(out)
    if isinstance(config, CoreConfig) and (config.bus != "axi" or config.dma or max(
            config.input_stream_bits, config.weight_stream_bits, config.output_stream_bits) > 64):
        raise BadInput("a core for --target flip-flops must have AXI4-Lite, no DMA and streams of at most 64 bits, and "
                       f"has {config.bus}, {config.dma or 'no'} DMA")
    # Self-tests would be nearly all of the cycles.
    programs = ([(config, False), (config, True)] if isinstance(config, CoreConfig) else
                [(each, False) for each in ([config] if config else MACROS)])
    reports = []
    with running("", len(programs)) as progress:
        for done, (each, has_tests) in enumerate(programs):
            progress(done, each.name)
            reports.append(inject(each, -(-count // len(programs)), seed, folder, has_tests=has_tests))
    for report in reports:
        show(make_table(report))
        for name, cycle in report["stuck"]:
            click.echo(f"NOT ENDED BY A RESET {report['design']}: {name} in cycle {cycle}")
    write_json(out, reports)
    flips = sum(row["flips"] for report in reports for row in report["blocks"].values())
    stuck = sum(len(report["stuck"]) for report in reports)
    click.echo(f"{flips:,} flips, {stuck} hangs that a reset leaves: {out}")
    return int(stuck > 0)
