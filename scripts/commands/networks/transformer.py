"""``bitline transformer``: a small transformer in integers, trained on text, on the macro."""

import io
import time
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.program import pause
from ....golden.transformer.forward import PARTS, generate
from ....hdl.config.core import element_bytes
from ....host.backends import Predicted
from ....host.network.window import ceil_div
from ....host.transformer import measure
from ....host.transformer.array import MacroArray
from ....host.transformer.file import from_arrays, to_arrays
from ....host.transformer.quantize import quantize
from ....host.transformer.text import ALPHABET, standard_text, tokens_of
from ....host.transformer.training import Sizes, train
from ....verif.sim.player import RtlSession
from ...common.files import BadInput, check_writable, refusing, write_file, write_json
from ...common.network_inputs import read_numpy
from ...common.options import MACRO, build_option, config_options, simulator_option
from ...common.progress import count_of, running
from ...common.tables import show

# The part of a text that is not trained on, and windows of it that are predicted; windows to calibrate with.
KEPT, WINDOWS, CALIBRATION = 0.1, 128, 16
MAX_BYTES = 1 << 26
# Characters before one that counts of the text look at, to compare with.
BEFORE = (2, 3)


def windows_of(tokens, length, count):
    """So many windows of a text, evenly spread, or as many as fit beside each other, int64 (count, length)."""
    starts = np.linspace(0, len(tokens) - length, min(count, len(tokens) // length)).astype(np.int64)
    return np.stack([tokens[start:start + length] for start in starts])


def read_text(path):
    """Tokens to train on, and those to predict."""
    if path is None:
        with refusing(ValueError):
            text = standard_text()
    else:
        _check_file(path, "text")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise BadInput(f"text must be UTF-8, and {path} is not") from None
    tokens, least = tokens_of(text), 20 * Sizes(len(ALPHABET)).context
    if len(tokens) < least:
        raise BadInput(f"text must have at least {least} characters, and {path} has {len(tokens)}")
    split = int(len(tokens) * (1 - KEPT))
    return tokens[:split], tokens[split:]


def _check_file(path, what):
    """Refuse what is no file, or a large one."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{what} must be a regular file, and {path} is not one")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{what} must have at most {MAX_BYTES} bytes, and {path} has {path.stat().st_size}")


def made(text, steps, seed):
    """A trained model in integers, and how well it predicts, as `quality` gives it, with others to compare with."""
    (learned, kept), sizes = read_text(text), Sizes(len(ALPHABET))
    started = time.process_time()
    with running("training", steps) as progress:
        network = train(sizes, learned, steps=steps, seed=seed, progress=progress)
    seconds = time.process_time() - started
    model = quantize(network, ALPHABET, windows_of(learned, sizes.context, CALIBRATION))
    windows = windows_of(kept, sizes.context + 1, WINDOWS)
    logits, _ = network.forward(windows[:, :-1])
    found = {"float": logits, "integers": measure.integer_logits(model, windows[:, :-1])}
    found |= {f"counts of what follows {order} characters":
              measure.counted_logits(learned, windows[:, :-1], len(ALPHABET), order) for order in BEFORE}
    return model, {"characters_learned": len(learned), "characters_predicted": windows[:, 1:].size,
                   "steps": steps, "processor_seconds": seconds,
                   "quality": {name: measure.quality(values, windows[:, 1:]) for name, values in found.items()}}


def read_model(path):
    """The transformer of a file."""
    _check_file(path, "model")
    arrays = read_numpy(path, MAX_BYTES)
    if not isinstance(arrays, dict):
        raise BadInput(f"{path} must be an .npz file of a transformer, and is one array")
    with refusing(ValueError):
        return from_arrays(arrays)


def on_macro(model, prompt, count, config, player):
    """Prompt and decoding on a macro, whose products are compared with numpy: the text, and a report."""
    with MacroArray(config, player, model) as array, running("running", count + 1) as progress:
        ends = []

        def done(number):
            ends.append(len(array.records))
            progress(number)

        tokens, _ = generate(model, prompt, count, array, done)
    phases = {"prompt": (len(prompt), array.records[:ends[0]]), "decoding": (count, array.records[ends[0]:])}
    return model.text(tokens), {
        "configuration": config.to_dict(), "prompt_tokens": len(prompt), "decoded_tokens": count,
        "sums": sum(record.sums for record in array.records),
        "mismatches": sum(record.mismatches for record in array.records),
        "cycles_as_predicted": all(record.cycles == record.predicted for record in array.records),
        "pause": pause(config), "stream_cycles_of_a_row": stream_cycles(config),
        "phases": {name: {"tokens": tokens, "parts": part_rows(config, records), "total": row_of(config, records)}
                   for name, (tokens, records) in phases.items() if records}}


def stream_cycles(config):
    """Cycles in which a core takes a row of weights: one for each beat of its stream of 64 bits, and one more."""
    return ceil_div(config.columns * element_bytes(config.weight_bits), 8) + 1


def part_rows(config, records):
    """A row for each part."""
    return {part: row_of(config, [record for record in records if record.part == part]) for part in PARTS}


def row_of(config, records):
    """Sums of records."""
    sums = {name: sum(getattr(record, name) for record in records)
            for name in ("predicted", "vectors", "rows", "work", "sums", "mismatches")}
    cycles = [record.cycles for record in records]
    total = None if None in cycles else sum(cycles)
    counted = total or sums["predicted"]
    paused = counted + len(records) * pause(config)
    return {"programs": len(records), **sums, "cycles": total, "with_pauses": paused,
            "utilization": _utilization(config, sums["work"], counted),
            "utilization_with_pauses": _utilization(config, sums["work"], paused),
            "stream_cycles": sums["rows"] * stream_cycles(config)}


def _utilization(config, work, cycles):
    return work / (config.rows * config.columns * cycles) if cycles else 0.0


def print_phase(name, phase):
    """The table of a phase."""
    table = Table("part", "vectors", "rows written", "cycles", "predicted", "share", "utilization", "mismatches",
                  title=f"{name}: {count_of(phase['tokens'], 'token')}")
    total = phase["total"]
    for part, row in [*phase["parts"].items(), ("in all", total)]:
        table.add_row(part, f"{row['vectors']:,}", f"{row['rows']:,}",
                      "" if row["cycles"] is None else f"{row['cycles']:,}", f"{row['predicted']:,}",
                      f"{row['predicted'] / total['predicted']:.1%}", f"{row['utilization']:.1%}",
                      str(row["mismatches"]))
    show(table)
    click.echo(f"{name}: {total['with_pauses']:,} cycles with pauses, utilization "
               f"{total['utilization_with_pauses']:.1%}; "
               f"a core's stream of 64 bits takes {total['stream_cycles']:,} cycles for its rows")


def print_report(report):
    """Everything that a run has to say."""
    for what, (share, bits) in report.get("training", {}).get("quality", {}).items():
        click.echo(f"{what}: {share:.2%} of {report['training']['characters_predicted']:,} characters are the most "
                   f"likely one, {bits:.3f} bits a character")
    for name, phase in report["phases"].items():
        print_phase(name, phase)
    totals = [phase["total"] for phase in report["phases"].values()]
    cycles = "cycles not simulated" if None in [total["cycles"] for total in totals] else (
        f"{sum(total['cycles'] for total in totals):,} cycles")
    programs = sum(total["programs"] for total in totals)
    click.echo(f"{report['sums']:,} sums of products compared, {report['mismatches']} mismatches, "
               f"{cycles}, {sum(total['predicted'] for total in totals):,} predicted, without the pauses of "
               f"{report['pause']} cycles behind each of {programs:,} programs")


def print_errors():
    """What the functions in integers lose."""
    table = Table("function", "measured, steps", "bound, steps")
    for name, found, bound in measure.deviations():
        table.add_row(name, f"{found:.4f}", f"{bound:.4f}")
    show(table)


def saved(model):
    """Bytes of an .npz file."""
    data = io.BytesIO()
    np.savez(data, **to_arrays(model))
    return data.getvalue()


@click.command()
@click.argument("model", metavar="[MODEL.npz]", required=False, type=click.Path(path_type=Path))
@click.option("--text", metavar="FILE", type=click.Path(path_type=Path),
              help="UTF-8 to train on. [default: the documentation that comes with Python]")
@click.option("--steps", type=click.IntRange(1, 100_000), help="Of training. [default: 1000]")
@click.option("--seed", type=click.IntRange(0), help="Of training. [default: 0]")
@click.option("--save", metavar="FILE", type=click.Path(path_type=Path), help="Gets the trained model, .npz.")
@click.option("--prompt", default="the value of the", show_default=True, help="What is before the first token.")
@click.option("--decode", type=click.IntRange(0), default=64, show_default=True,
              help="Tokens that are decoded, each with the keys and values of those before it.")
@click.option("--backend", type=click.Choice(["golden", "rtl"]), default="golden", show_default=True,
              help="A calculated macro, or its simulated RTL.")
@click.option("--errors", is_flag=True, help="Measure what softmax and norm in integers lose.")
@click.option("--report", metavar="FILE", type=click.Path(path_type=Path), help="Gets all figures as JSON.")
@config_options
@simulator_option
@build_option
def command(model, text, steps, seed, save, prompt, decode, backend, errors, report, config, simulator, folder):
    """Run a transformer in integers on a macro: a prompt, then token by token.

    Without MODEL.npz, which --save has written, one is trained on text first: 64 dimensions, 4 heads, one block. All
    products are compared with numpy.
    """
    if model:
        for name, value in (("text", text), ("steps", steps), ("seed", seed), ("save", save)):
            if value is not None:
                raise BadInput(f"--{name} must be without a model, which is trained already")
    for path in filter(None, (save, report)):
        check_writable(path)
    config, training = config or MACRO, {}
    if model:
        transformer = read_model(model)
    else:
        transformer, training = made(text, steps or 1000, seed or 0)
    with refusing(ValueError):
        # As in the text that is trained on.
        prompt = "".join(letter if letter in transformer.alphabet else letter.lower() for letter in prompt)
        tokens = transformer.tokens(prompt)
        if len(tokens) + decode > transformer.context:
            raise BadInput(f"prompt and decoded tokens must be at most {transformer.context}, not "
                           f"{len(tokens) + decode}")
        with running("building", None):
            player = Predicted(config) if backend == "golden" else RtlSession(
                config, simulator=simulator, folder=folder)
        written, found = on_macro(transformer, tokens, decode, config, player)
    found |= {"backend": backend, "text": prompt + written, **({"training": training} if training else {})}
    print_report(found)
    click.echo(found["text"])
    if errors:
        print_errors()
    if save:
        write_file(save, saved(transformer))
    if report:
        write_json(report, found)
    return 1 if found["mismatches"] or (backend == "rtl" and not found["cycles_as_predicted"]) else 0
