"""The report of ``bitline run``: one page that opens without a network connection, and the same numbers as JSON."""

import base64
import html
import json

from ...host.mapping.schedule import plan
from ..common.files import write_files
from ..common.pictures import png, pyplot

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }
.layers { overflow-x: auto; margin: 1em 0 } .layers > * { min-width: 48em; border-bottom: 1px solid #ddd }
.row { display: grid; grid-template-columns: 4fr repeat(3, 1.2fr) repeat(2, 1.5fr) 1.4fr }
.row { column-gap: 1em; padding: .3em .6em }
.row > * { text-align: right } .row > :first-child { text-align: left }
.head, .all { font-weight: 600 } .head > :first-child, .all > :first-child { padding-left: 1.2em }
summary { cursor: pointer } summary > :first-child::before { content: "\\25b8"; display: inline-block; width: 1.2em }
details[open] > summary > :first-child::before { content: "\\25be" }
details > dl { margin: .3em 0 1em 1.8em }
dl { display: grid; grid-template-columns: max-content auto; gap: .2em 1.5em }
dt { color: #666 } dd { margin: 0; overflow-wrap: anywhere }
img { max-width: 100% } pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 12px }
.good { color: #1a7f37 } .bad { color: #b3261e; font-weight: 600; overflow-wrap: anywhere }
"""

RULES = """
Bits moved are counted at the edge between memory and arithmetic, by one rule for weights and activations and for all
machines: each counts with its bits every time that it crosses the edge, a sum with 32. <b>Macro:</b> weights when a row
is written (columns that the tile has), activations when a vector is handed over (rows that the tile has), a sum for
each result, those of parts of a matrix too. A processor that multiplies without memory in the array lies between two
bounds. <b>Without reuse</b> (no cache, no registers but one sum): a weight and an activation for each
multiply-accumulate, those with padding left out, and a sum for each output. <b>Ideal reuse</b> (a cache that holds a
layer): every weight once for each batch, every activation and every sum once for each input. A macro whose banks hold
all weights for good may stay below the second. Loads are counted for the layer whose weights they bring, also where
they hide behind the layer before it.
"""


def write_report(folder, report, layers, mapping):
    """Write ``report.html`` and ``report.json``, both completely or neither.

    Parameters
    ----------
    folder : Path
    report, layers
        As `bitline run` makes them.
    mapping : Mapping
    """
    planned = plan(mapping)
    page = _page(report, layers, planned, _pictures(report, layers, planned) if layers else [])
    content = {**report, "layers": layers, "plan": [
        {"layer": mapping.layers[tile.tile.layer].operator.location, "bank": tile.tile.bank,
         "resident": tile.tile.resident, "rows": tile.tile.slice.rows,
         "columns": mapping.layers[tile.tile.layer].block(tile.tile.slice).shape[1],
         "written": list(tile.written), "results": list(tile.results)} for tile in planned.tiles]}
    write_files(folder, {"report.html": page, "report.json": json.dumps(content, indent=2) + "\n"})


def _page(report, layers, planned, pictures):
    sections = [f"<h2>{html.escape(title)}</h2>\n<p>{text}</p>\n<img alt='{html.escape(title)}' "
                f"src='data:image/png;base64,{base64.b64encode(picture).decode()}'>"
                for title, text, picture in pictures]
    title = f"{report['model']} on a {report['configuration']['rows']} x {report['configuration']['columns']} macro"
    wrong = "".join(f"<li>{html.escape(line)}</li>" for line in report["mismatch_list"])
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{html.escape(title)}</h1>
{_headline(report)}
{f"<ul class='bad'>{wrong}</ul>" if wrong else ""}
<h2>Layers</h2>
{_table(report, layers)}
{"".join(sections)}
<h2>Plan</h2>
<p>Which tile sits in which bank, and in which cycles it is written and gives its results, in a first run of which no
plane can be skipped.</p>
<pre>{html.escape(str(planned))}</pre>
</body></html>
"""


def _headline(report):
    """Figures of the whole run."""
    checked = "not compared" if not report["checked_against_reference"] else (
        f"{report['reference_mismatches']} mismatches in all layers")
    counted = "predicted" if report["cycles"] is None else "simulated"
    rows = [
        ("Configuration", ", ".join(f"{name} {value}" for name, value in report["configuration"].items())),
        ("Backend", report["backend"]),
        ("Inputs", f"{report['inputs']:,}, {report['batch']} together"),
        ("Multiply-accumulates per input", f"{report['macs']:,}"),
        ("int32 accumulators", _judged(f"{report['accumulator_mismatches']} mismatches",
                                       report["accumulator_mismatches"])),
        (report["reference"], _judged(checked, report["reference_mismatches"])),
        ("Cycles per input", f"{report['cycles_per_input']:,.1f} ({counted})"),
        ("with the pauses between layers", f"{report['cycles_per_input_with_pauses']:,.1f}"),
        ("Cycles in all", f"{report['predicted_cycles']:,} predicted" + (
            "" if report["cycles"] is None else f", {report['cycles']:,} simulated")),
        (f"Inferences per second at {report['clock_hz'] / 1e6:g} MHz",
         f"{report['inferences_per_second']:,.0f}" if report["inferences_per_second"] else "no products with weights"),
        ("Time per input here", f"{report['seconds_per_input']:.3f} s"),
    ]
    if report["accuracy"] is not None:
        rows.append(("Accuracy on these inputs", f"{report['accuracy']:.2%}"))
    return "<dl>" + "".join(f"<dt>{html.escape(name)}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _judged(text, wrong):
    return f"<span class='{'bad' if wrong else 'good'}'>{text}</span>"


COLUMNS = ("layer", "tiles", "cycles", "predicted", "utilization", "planes skipped", "mismatches")
SUMMED = ("tiles_of_layer", "cycles", "predicted", "work", "planes", "skipped", "mismatches")


def _table(report, layers):
    """A row for each layer, which folds out, and one for all."""
    runs = report["inputs"]
    area = report["configuration"]["rows"] * report["configuration"]["columns"]
    total = {key: None if any(layer[key] is None for layer in layers) else sum(layer[key] for layer in layers)
             for key in SUMMED}
    total |= {"layer": "all layers", "utilization": total["work"] / area / (total["cycles"] or total["predicted"] or 1)}
    rows = "".join(f"<details><summary class='row'>{_cells(layer, runs)}</summary>{_details(layer, runs)}</details>"
                   for layer in layers)
    head = "".join(f"<span>{name}</span>" for name in COLUMNS)
    return (f"<p>Cycles, loads and bits for one input, mismatches of all {runs:,}. A layer's row opens.</p>"
            f"<div class='layers'><div class='row head'>{head}</div>{rows}"
            f"<div class='row all'>{_cells(total, runs)}</div></div><p>{RULES}</p>")


def _cells(layer, runs):
    """What is seen of a layer while its row is closed."""
    cells = [layer["layer"], f"{layer['tiles_of_layer']:,}",
             "" if layer["cycles"] is None else f"{layer['cycles'] / runs:,.0f}", f"{layer['predicted'] / runs:,.0f}",
             f"{layer['utilization']:.1%}",
             f"{layer['skipped'] / max(1, layer['planes'] + layer['skipped']):.1%}", f"{layer['mismatches']:,}"]
    return "".join(f"<span>{html.escape(cell)}</span>" for cell in cells)


def _details(layer, runs):
    """What is seen of a layer in addition while its row is open."""
    facts = {
        "packing": layer["packing"],
        "multiply-accumulates": f"{layer['macs']:,}",
        "tiles loaded": f"{layer['tiles'] / runs:,.1f}, with {layer['writes'] / runs:,.0f} rows",
        "planes": f"{layer['planes'] / runs:,.0f} on the wordlines, {layer['skipped'] / runs:,.0f} skipped",
        "bits moved": f"{layer['bits_moved'] / runs:,.0f}; {layer['bits_without_reuse'] / runs:,.0f} without reuse, "
                      f"{layer['bits_ideal_reuse'] / runs:,.0f} with ideal reuse",
        "first mismatch": layer["first_mismatch"] or "none",
    }
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items()) + "</dl>"


def _pictures(report, layers, planned):
    """Titles, texts and pictures (PNG)."""
    plt = pyplot()

    runs = report["inputs"]
    names = [layer["layer"].replace("operator ", "") for layer in layers]
    drawings = [
        ("Cycles and utilization", "Cycles of an input, loads of weights that nothing hides included; bars of what "
         "was predicted and simulated lie on each other. Utilization: 1-bit multiply-accumulates that count, cells "
         "without a weight and planes that are skipped left out, of those that the array could have done.",
         lambda: _draw_cycles(plt, names, layers, runs)),
        ("Planes", "Bit-planes of all vectors of an input: those that went over the wordlines, and those that could "
         "not change a result and were skipped.", lambda: _draw_planes(plt, names, layers, runs)),
        ("Bits moved", "See the rules below the table. The scale is logarithmic.",
         lambda: _draw_bits(plt, names, layers, runs)),
        ("Banks over time", "A first run of which no plane can be skipped: when each bank is written, and when it "
         "computes.", lambda: _draw_plan(plt, planned)),
    ]
    pictures = []
    for title, text, draw in drawings:
        pictures.append((title, text, png(draw())))
    return pictures


def _bars(plt, names, panels):
    """Panels side by side, a bar for each layer."""
    figure, axes = plt.subplots(1, panels, figsize=(11, 1 + 0.32 * len(names)), layout="constrained", sharey=True,
                                squeeze=False)
    axes[0, 0].set_yticks(range(len(names)), labels=names, fontsize=8)
    axes[0, 0].invert_yaxis()
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes[0]


def _draw_cycles(plt, names, layers, runs):
    figure, (left, right) = _bars(plt, names, 2)
    places = range(len(names))
    bars = left.barh(places, [layer["predicted"] / runs for layer in layers], color="tab:blue", label="predicted")
    if all(layer["cycles"] is not None for layer in layers):
        left.barh(places, [layer["cycles"] / runs for layer in layers], height=0.35, color="tab:orange",
                  label="simulated")
    left.bar_label(bars, [f"{layer['predicted'] / runs:,.0f}" for layer in layers], padding=3, fontsize=8)
    left.set_title("cycles per input", fontsize=10)
    left.margins(x=0.15)
    left.legend(fontsize=8)
    bars = right.barh(places, [100 * layer["utilization"] for layer in layers], color="tab:green")
    right.bar_label(bars, [f"{layer['utilization']:.1%}" for layer in layers], padding=3, fontsize=8)
    right.set_title("utilization, %", fontsize=10)
    right.set_xlim(0, 115)
    return figure


def _draw_planes(plt, names, layers, runs):
    figure, (axis,) = _bars(plt, names, 1)
    driven = [layer["planes"] / runs for layer in layers]
    axis.barh(range(len(names)), driven, color="tab:blue", label="on the wordlines")
    axis.barh(range(len(names)), [layer["skipped"] / runs for layer in layers], left=driven, color="lightgray",
              label="skipped")
    axis.set_title("planes per input", fontsize=10)
    axis.legend(fontsize=8, bbox_to_anchor=(1, 1), loc="upper left")
    return figure


def _draw_bits(plt, names, layers, runs):
    figure, (axis,) = _bars(plt, names, 1)
    for shift, key, color, label in ((-0.27, "bits_moved", "tab:blue", "macro"),
                                      (0, "bits_without_reuse", "tab:red", "without reuse"),
                                      (0.27, "bits_ideal_reuse", "lightgray", "ideal reuse")):
        axis.barh([row + shift for row in range(len(names))], [layer[key] / runs for layer in layers], height=0.25,
                  color=color, label=label)
    axis.set_xscale("log")
    axis.set_title("bits moved per input", fontsize=10)
    axis.legend(fontsize=8, bbox_to_anchor=(1, 1), loc="upper left")
    return figure


def _draw_plan(plt, planned):
    banks = 1 + max((tile.tile.bank for tile in planned.tiles), default=0)
    figure, axis = plt.subplots(figsize=(11, 1.2 + 0.6 * banks), layout="constrained")
    colors = plt.get_cmap("tab20").colors
    for tile in planned.tiles:
        color, bank = colors[tile.tile.layer % len(colors)], tile.tile.bank
        axis.barh(bank, tile.written[1] - tile.written[0] + 1, left=tile.written[0], height=0.25, align="edge",
                  color="dimgray")
        axis.barh(bank, tile.results[1] - tile.results[0] + 1, left=tile.results[0], height=-0.45, align="edge",
                  color=color)
    axis.set_yticks(range(banks), labels=[f"bank {bank}" for bank in range(banks)])
    axis.set_xlabel("cycle; written (gray, below), results (colored by layer)", fontsize=9)
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    return figure
