"""``bitline mutate``: how many mutants of the blocks the regression notices, and which it does not."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ..hdl.config import MacroConfig
from ..host.simulator import require_simulator
from .equivalence import equivalent
from .files import BadInput, check_writable, write_json
from .jobs import run_jobs
from .mutants import Mutant, blocks_of, choose, compile_image, record, replay
from .regress import SUITE

# Those of the suite that are simulated fast; they have every block between them.
IMAGES = [config for config in SUITE if config.rows <= 20]
# Mutants of one job.
CHUNK = 20


@dataclass(frozen=True)
class Image:
    """Mutants of some blocks of one macro, in a folder of their own."""

    config: MacroConfig
    count: int
    seed: int
    blocks: tuple
    out: Path
    builds: Path
    resume: bool = False

    @property
    def folder(self):
        """Of all that concerns it."""
        blocks = "_".join(self.blocks) or "all"
        return self.out / f"{self.config.name}_{self.count}_{self.seed}_{blocks}"

    @property
    def mutants(self):
        """As they were chosen."""
        return [Mutant(**each) for each in json.loads((self.folder / "mutants.json").read_text(encoding="utf-8"))]


def prepare(image):
    """Record the regression, choose the mutants, compile them; the cycles in which the control differs: none."""
    folder = image.folder
    if not (image.resume and (folder / "mutants.json").exists()):
        folder.mkdir(parents=True, exist_ok=True)
        record(image.config, image.seed, folder, image.builds)
        mutants = choose(image.config, image.count, image.seed, folder, image.blocks)
        compile_image(image.config, mutants, folder)
        for path in folder.glob("noticed_*.json"):
            path.unlink()
        write_json(folder / "mutants.json", [asdict(mutant) for mutant in mutants])
    return replay(folder / "image" / "replay", folder / "recorded.txt", 0)


def play(job):
    """The cycles in which some mutants of an image are noticed, by number."""
    image, numbers = job
    path = image.folder / f"noticed_{numbers[0]}_{numbers[-1]}.json"
    if image.resume and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    program, recorded = image.folder / "image" / "replay", image.folder / "recorded.txt"
    noticed = [(number, replay(program, recorded, number)) for number in numbers]
    write_json(path, noticed)
    return noticed


def judge(job):
    """What is known of a mutant that nobody noticed; see `equivalent`."""
    image, mutant = job
    path = image.folder / f"equivalent_{mutant.number}.json"
    if image.resume and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    verdict = equivalent(image.config, mutant, len(image.mutants), image.folder)
    write_json(path, verdict)
    return verdict


def mutate(images, jobs):
    """Rows of the table of blocks, and what is known of each survivor."""
    for image, cycle in zip(images, run_jobs("recording and compiling", prepare, images, jobs)):
        if cycle is not None:
            raise BadInput(f"mutant 0, which is no mutant, must do as recorded, and {image.config.name} does not in "
                           f"cycle {cycle}")
    work = [(image, list(range(first, min(first + CHUNK, len(image.mutants) + 1))))
            for image in images for first in range(1, len(image.mutants) + 1, CHUNK)]
    total, noticed, survivors = Counter(), Counter(), []
    for (image, _), cycles in zip(work, run_jobs("replaying", play, work, jobs)):
        mutants = {mutant.number: mutant for mutant in image.mutants}
        for number, cycle in cycles:
            mutant = mutants[number]
            total[mutant.block] += 1
            noticed[mutant.block] += cycle is not None
            if cycle is None:
                survivors.append((image, mutant))
    verdicts = run_jobs("looking for equivalents", judge, survivors, jobs)
    same = Counter(mutant.block for (_, mutant), verdict in zip(survivors, verdicts) if verdict.startswith("equal"))
    rows = [{"block": block, "mutants": total[block], "noticed": noticed[block], "equivalent": same[block],
             "survivors": total[block] - noticed[block] - same[block],
             "score": noticed[block] / max(1, total[block] - same[block])} for block in sorted(total)]
    return rows, [{"configuration": image.config.name, "block": mutant.block, "line": mutant.place, "what": mutant.what,
                   "verdict": verdict} for (image, mutant), verdict in zip(survivors, verdicts)]


def print_rows(rows, survivors):
    """The score of each block, and the survivors."""
    table = Table("block", "mutants", "noticed", "equivalent", "survivors", "score", title="Mutants")
    everything = {key: sum(row[key] for row in rows) for key in ("mutants", "noticed", "equivalent", "survivors")}
    everything |= {"block": "all", "score": everything["noticed"] / max(1, everything["mutants"]
                                                                        - everything["equivalent"])}
    for row in (*rows, everything):
        table.add_row(row["block"], *(str(row[key]) for key in ("mutants", "noticed", "equivalent", "survivors")),
                      f"{row['score']:.1%}")
    Console().print(table)
    for each in survivors:
        if not each["verdict"].startswith("equal"):
            click.echo(f"SURVIVES {each['block']} of {each['configuration']}.v:{each['line']}: {each['what']}: "
                       f"{each['verdict']}")
    return everything


@click.command()
@click.argument("blocks", nargs=-1)
@click.option("--count", type=click.IntRange(1, 1000000), default=2100, show_default=True, help="Mutants, about.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Of the mutants and of the regression.")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/mutate"), show_default=True,
              help="Gets mutants.json, and a folder a configuration.")
@click.option("--resume", is_flag=True, help="Keep what an interrupted run has left in DIR.")
def command(blocks, count, seed, jobs, out, resume):
    """Break the blocks of the macro, all or some, in many small ways, and count what the regression notices."""
    require_simulator("icarus")
    known = {config: set(blocks_of(config)) for config in IMAGES}
    names = sorted(set().union(*known.values()))
    for block in blocks:
        if block not in names:
            raise BadInput(f"block must be one of {', '.join(names)}, not {block}")
    check_writable(out / "mutants.json")
    configs = [config for config in IMAGES if not blocks or known[config] & set(blocks)]
    images = [Image(config, -(-count // len(configs)), seed, tuple(sorted(set(blocks))), out.resolve(),
                    out.resolve() / "builds", resume) for config in configs]
    try:
        rows, survivors = mutate(images, jobs)
    except KeyboardInterrupt:
        click.echo(f"go on with: bitline mutate {' '.join([*blocks, ''])}--count {count} --seed {seed} --out {out} "
                   "--resume", err=True)
        raise
    everything = print_rows(rows, survivors)
    write_json(out / "mutants.json", {"seed": seed, "blocks": rows, "all": everything, "survivors": survivors})
    click.echo(f"{everything['mutants']} mutants, {everything['noticed']} noticed, {everything['equivalent']} "
               f"equivalent, {everything['survivors']} survive: {out / 'mutants.json'}")
    return 0
