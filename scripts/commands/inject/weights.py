"""Single-event upsets of the stored weights of a core while vectors run, and how many go undetected."""

import json
import random
import tempfile
from collections import Counter
from pathlib import Path

import click
from rich.table import Table

from ....hdl.emit import emit
from ....verif.core.upsets import HARMLESS, SEEN, UNSEEN
from ....verif.fault_injection.storage import stores, surround
from ....verif.sim.build import build
from ....verif.sim.simulators import testbench
from ...common.files import BadInput, check_writable, require_packages, write_json
from ...common.tables import show

MEANINGS = {HARMLESS: "changed no result", SEEN: "changed a result, and was seen",
            UNSEEN: "changed a result, and was not seen"}


def draw(found, count, seed):
    """Upsets ``[store, word, bit, bank]``, sorted by bank: every bit once before any is repeated."""
    sites = [(number, word, bit, bank) for number, store in enumerate(found)
             for word, bank in enumerate(store.banks) for bit in range(store.width)]
    rng, chosen = random.Random(seed), []
    while len(chosen) < count:
        rng.shuffle(sites)
        chosen += sites[:count - len(chosen)]
    return sorted(chosen, key=lambda site: site[-1]), len(sites)


def inject(config, count, *, seed=1, simulator="verilator", folder=Path("build/sim"), verilog=None):
    """Invert single bits of a core's storage while vectors run.

    Parameters
    ----------
    config : CoreConfig
        With ``checksum``.
    count, seed : int
    simulator, folder, verilog
        As in `build`.

    Returns
    -------
    dict
        The numbers of upsets and of stored bits, the count of each of `MEANINGS`, and marks on unchanged results.
    """
    verilog = emit(config) if verilog is None else verilog
    found = stores(config, verilog)
    chosen, bits = draw(found, count, seed)
    design = build(config, simulator=simulator, folder=folder, surround=surround(config, verilog), verilog=verilog)
    with tempfile.TemporaryDirectory() as name:
        todo, results = Path(name) / "todo.json", Path(name) / "results.json"
        todo.write_text(json.dumps(chosen), encoding="utf-8")
        design.run(testbench("tb_upsets"), seed=seed, folder=Path(name), environment={
            "BITLINE_CORE_CONFIG": config.to_json(), "BITLINE_UPSETS": str(todo), "BITLINE_OUTCOMES": str(results)})
        results = json.loads(results.read_text(encoding="utf-8"))
    counts = Counter(result for result, _ in results)
    return {"core": config.name, "configuration": config.to_dict(), "seed": seed, "upsets": len(results),
            "stored_bits": bits, "outcomes": {name: counts[name] for name in MEANINGS},
            "marks_without_a_changed_result": sum(alarm for _, alarm in results),
            "unseen": [site for site, (result, _) in zip(chosen, results) if result == UNSEEN]}


def run(core, count, seed, out, simulator, folder):
    """Inject upsets into the weights of a core; print and write the report.

    Returns
    -------
    int
        Exit status: 1 if a wrong result was not marked.
    """
    if core is None or not core.checksum:
        raise BadInput("a core must be described with --core and --checksum, and is not")
    if core.bus != "axi":
        raise BadInput(f"bus must be axi to be simulated, not {core.bus}")
    require_packages("test", "cocotbext")
    check_writable(out)
    report = inject(core, count, seed=seed, simulator=simulator, folder=folder)
    table = Table("an upset", "how many", title=f"{count:,} upsets of {report['stored_bits']:,} bits, {core.name}")
    for name, meaning in MEANINGS.items():
        table.add_row(meaning, f"{report['outcomes'][name]:,}")
    show(table)
    write_json(out, report)
    click.echo(out)
    return int(report["outcomes"][UNSEEN] > 0)
