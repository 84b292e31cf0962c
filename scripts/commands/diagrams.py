"""``bitline diagrams``: timing diagrams of the streams, drawn from a simulation."""

import json
import tempfile
from pathlib import Path

import click

from ...golden.bits import from_bits, wrap
from ...hdl.config import MacroConfig
from ...hdl.emit import design
from ...hdl.macro.ports import ports
from ...verif.sim.build import build
from ..common.files import check_writable, write_files
from ..common.options import build_option, simulator_option

CONFIG = MacroConfig(rows=4, columns=2, weight_bits=4, input_bits=4, banks=2)

# Paths of the internal signals in diagrams.
INSIDE = {"enable": "controller__enable", "plane": "drivers__plane", "drives": "controller.drives",
          "plane_first": "controller._plane_first"}

# For each diagram: lanes of fields, grouped by stream; how many cycles to show (None: all).
DIAGRAMS = {
    "write": ((("write", ("valid", "ready", "bank", "row", "weights")), ("i", ("valid", "ready", "x", "bank")),
               ("inside", ("plane",)), ("o", ("valid", "ready", "y"))), None),
    "i": ((("i", ("valid", "ready", "x", "bits", "signed")), ("inside", ("plane",))), 19),
    "o": ((("o", ("valid", "ready", "y", "sum_x")), ("inside", ("enable", "plane")),
           ("i", ("valid", "ready", "x"))), 21),
}

CELL, LANE, LEFT, TOP, GAP, HIGH = 50, 27, 112, 30, 10, 17

STYLE = """\
text { font: 12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1a1a1a }
.value { text-anchor: middle } .name { text-anchor: end } .inside { font-style: italic }
.cycle { text-anchor: middle; fill: #666 } .note { font-family: sans-serif; fill: #444 }
.edge { stroke: #d0d0d0; fill: none } .wave { stroke: #1a1a1a; stroke-width: 1.5; fill: none }
.bus { stroke: #1a1a1a; stroke-width: 1.2; fill: none } .idle { stroke: #a0a0a0; fill: none }
.taken { fill: #bfe0c4 } .waits { fill: #ffd9a0 } .even { fill: #d6e6f8 } .odd { fill: #efe0f5 }
"""


def reveal(macro):
    """A `Design` with comments that make Verilator keep those signals."""
    for path in INSIDE.values():
        macro = macro.commented(path.rpartition(".")[2], "/*verilator public_flat_rd*/")
    return macro


def simulate(simulator="verilator", folder=Path("build/sim")):
    """Simulate the scenarios of `verif.macro.tb_diagrams`.

    Parameters
    ----------
    simulator : str
    folder : Path
        Of the builds.

    Returns
    -------
    dict of str to list of dict
        For each scenario and clock cycle the binary digits of each port, of each signal of `INSIDE`, and whether a
        plane is on the wordlines (``on_wordlines``), by name.

    Raises
    ------
    SimulatorError
        The macro differs from the golden model, or the simulator is missing.
    """
    built = build(CONFIG, simulator=simulator, folder=folder, verilog=reveal(design(CONFIG)).text)
    with tempfile.TemporaryDirectory(dir=built.folder) as name:
        samples = Path(name) / "samples.json"
        built.run("bitline.verif.macro.tb_diagrams", seed=0, folder=Path(name), environment={
            "BITLINE_CONFIG": CONFIG.to_json(),
            "DIAGRAMS_SAMPLES": str(samples),
            "DIAGRAMS_SIGNALS": json.dumps({port.name: port.name for port in ports(CONFIG)} | INSIDE),
        })
        scenarios = json.loads(samples.read_text(encoding="utf-8"))
    for cycles in scenarios.values():
        # What is driven in one cycle is on the wordlines in the next.
        on_wordlines = "0"
        for cycle in cycles:
            cycle["on_wordlines"] = on_wordlines
            on_wordlines = cycle["drives"] if cycle["enable"] == "1" else on_wordlines
    return scenarios


def readable(name, cycle):
    """The value of a signal in a cycle as text: decimal, row or column 0 first; planes in binary."""
    word = int(cycle[name], 2)
    if name == "plane":
        return cycle[name][::-1]
    if name == "i_x":
        values = from_bits(word, CONFIG.input_bits, CONFIG.rows, signed=False)
        values = wrap(values, int(cycle["i_bits"], 2), cycle["i_signed"] == "1")
    elif name == "write_weights":
        values = from_bits(word, CONFIG.weight_bits, CONFIG.columns)
    elif name == "o_y":
        values = from_bits(word, CONFIG.total_width, CONFIG.columns)
    elif name == "o_sum_x":
        values = from_bits(word, CONFIG.sum_x_width, 1)
    else:
        values = [word]
    return " ".join(map(str, values))


def handshake(stream, cycle):
    """Valid and ready of a stream in a cycle; for internal signals, a plane on the wordlines and ``enable``."""
    valid, ready = ("on_wordlines", "enable") if stream == "inside" else (f"{stream}_valid", f"{stream}_ready")
    return cycle[valid] == "1", cycle[ready] == "1"


def spans(stream, name, cycles):
    """Runs of cycles with one value on a bus: (first, end, text, number of the vector)."""
    runs, vector, fresh = [], 0, True
    for index, cycle in enumerate(cycles):
        valid, ready = handshake(stream, cycle)
        if valid:
            vector += fresh and stream == "inside" and cycle["plane_first"] == "1"
            text = readable(name, cycle)
            if fresh or runs[-1][2] != text:
                runs.append((index, index + 1, text, vector))
            else:
                runs[-1] = (runs[-1][0], index + 1, text, vector)
        fresh = ready or not valid
    return runs


def draw_wave(levels, y):
    """A signal of one bit as a line; a level changes just after the edge."""
    points, last = [], levels[0]
    for index, level in enumerate(levels):
        x = LEFT + index * CELL
        points += [f"{x},{y + (0 if last else HIGH)}", f"{x + 4},{y + (0 if level else HIGH)}"]
        last = level
    points.append(f"{LEFT + len(levels) * CELL},{y + (0 if last else HIGH)}")
    return f'<polyline class="wave" points="{" ".join(points)}"/>'


def draw_bus(runs, count, y, colored):
    """The values of a bus, each in a box over its cycles; a line in the middle while it is idle."""
    middle = y + HIGH / 2
    idle = LEFT
    for first, end, text, vector in runs:
        left, right = LEFT + first * CELL + 2, LEFT + end * CELL + 2
        if idle < left:
            yield f'<path class="idle" d="M{idle},{middle}H{left}"/>'
        idle = right
        fill = f" {('even', 'odd')[vector % 2]}" if colored else ""
        shape = f"M{left},{middle}L{left + 4},{y}H{right - 4}L{right},{middle}L{right - 4},{y + HIGH}H{left + 4}Z"
        yield f'<path class="bus{fill}" d="{shape}"/>'
        size = min(12, (right - left - 10) / (0.61 * len(text)))
        yield (f'<text class="value" x="{(left + right) / 2}" y="{middle + 4}" style="font-size:{size:.1f}px">'
               f"{text}</text>")
    yield f'<path class="idle" d="M{idle},{middle}H{LEFT + count * CELL}"/>'


def draw_shades(stream, cycles, y, height):
    """Shades of the cycles in which a stream transfers or waits."""
    for index, cycle in enumerate(cycles):
        valid, ready = handshake(stream, cycle)
        if valid:
            yield (f'<rect class="{"taken" if ready else "waits"}" x="{LEFT + index * CELL}" y="{y}" width="{CELL}" '
                   f'height="{height}"/>')


def draw(groups, cycles):
    """A timing diagram.

    Parameters
    ----------
    groups : iterable of (stream, fields)
    cycles : list of dict
        As of `simulate`.

    Returns
    -------
    str
        SVG; the same text for the same samples.
    """
    count = len(cycles)
    y, shades, lanes = TOP + LANE, [], []
    clock = "".join(f"H{x}V{TOP}H{x + CELL // 2}V{TOP + HIGH}" for x in range(LEFT, LEFT + count * CELL, CELL))
    lanes += [f'<text class="name" x="{LEFT - 10}" y="{TOP + 13}">clk</text>',
              f'<path class="wave" d="M{LEFT},{TOP + HIGH}{clock}H{LEFT + count * CELL}"/>']
    for stream, fields in groups:
        y += GAP
        if stream != "inside":
            shades += draw_shades(stream, cycles, y - 4, LANE * len(fields))
        for field in fields:
            name = field if stream == "inside" else f"{stream}_{field}"
            kind = "name inside" if stream == "inside" else "name"
            lanes.append(f'<text class="{kind}" x="{LEFT - 10}" y="{y + 13}">{name}</text>')
            if field in ("valid", "ready", "enable"):
                lanes.append(draw_wave([cycle[name] == "1" for cycle in cycles], y))
            else:
                lanes += draw_bus(spans(stream, name, cycles), count, y, stream == "inside")
            y += LANE
    return frame(count, y + GAP, shades, lanes, any(stream == "inside" for stream, _ in groups))


def frame(count, bottom, shades, lanes, inside):
    """The whole picture: white paper, shades below, ruler and lanes above, what the colors mean."""
    ruler = [f'<text class="cycle" x="{LEFT + (index + 0.5) * CELL:.0f}" y="18">{index}</text>'
             for index in range(count)]
    edges = [f'<path class="edge" d="M{LEFT + index * CELL},{TOP - 6}V{bottom - GAP}"/>' for index in range(count + 1)]
    notes = [("taken", "taken at the edge that ends the cycle"), ("waits", "offered, waits")]
    if inside:
        notes += [("even", ""), ("odd", "planes, by turns a color a vector")]
    legend, x = [], LEFT
    for kind, text in notes:
        legend.append(f'<rect class="{kind}" x="{x}" y="{bottom}" width="14" height="14"/>'
                      f'<text class="note" x="{x + 20}" y="{bottom + 12}">{text}</text>')
        x += 40 + 7 * len(text) if text else 18
    width, height = LEFT + count * CELL + 12, bottom + 26
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}">\n<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>')
    label = f'<text class="name" x="{LEFT - 10}" y="18">cycle</text>'
    return "\n".join([head, label, *shades, *edges, *ruler, *lanes, *legend, "</svg>\n"])


def diagrams(simulator="verilator", folder=Path("build/sim")):
    """Simulate and draw: the SVG of each diagram by file name."""
    samples = simulate(simulator, folder)
    return {f"{name}.svg": draw(groups, samples[name][:count]) for name, (groups, count) in DIAGRAMS.items()}


@click.command()
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@simulator_option
@build_option
def command(out, simulator, folder):
    """Draw a timing diagram of each stream from a simulation, as SVG."""
    for name in DIAGRAMS:
        check_writable(out / f"{name}.svg")
    write_files(out, diagrams(simulator, folder))
    for name in DIAGRAMS:
        click.echo(out / f"{name}.svg")
