"""The report of `bitline asic`: a table, JSON, and one page that opens without a network connection."""

import base64
import html
import json

from rich.table import Table

from ..common.pictures import png, pyplot
from .energy import KINDS

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { border-bottom: 1px solid #ddd; padding: .3em .8em }
td + td, th + th { text-align: right } th { font-weight: 600; text-align: left }
dl { display: grid; grid-template-columns: max-content auto; gap: .2em 1.5em }
dt { color: #666 } dd { margin: 0; overflow-wrap: anywhere }
img { max-width: 100% } .good { color: #1a7f37 } .bad { color: #b3261e; font-weight: 600 }
"""
DESIGNS = {"macro": "macro", "mac_array": "plain MAC array"}
# Name, and how its value is printed.
FIGURES = (
    ("cell area, um2", lambda design: f"{design['area_um2']:,.0f}"),
    ("least of adders and storage, times that", lambda design: _of_bound(design, "um2", ",.0f", "area_over_bound")),
    ("cells", lambda design: f"{design['cells']:,}"),
    ("buffers added for large loads", lambda design: f"{design['buffers_added']:,}"),
    ("clock period, ns", lambda design: f"{design['period_ns']:.3f}"),
    ("MACs per cycle counted", lambda design: f"{design['macs_per_cycle']:.4g}"),
    ("pJ per MAC", lambda design: f"{design['pj_per_mac']:.4g}"),
    ("its standard error, of the runs drawn", lambda design: _error(design["pj_per_mac_error"])
     if "pj_per_mac_error" in design else ""),
    ("that of as many, drawn from all layers alike", lambda design: _error(design["pj_per_mac_error_unstratified"])
     if "pj_per_mac_error" in design else ""),
    ("nJ of an input", lambda design: f"{design['nj_per_input']:,.1f}" if "nj_per_input" in design else ""),
    ("least of adders and clock, times that",
     lambda design: _of_bound(design, "pj_per_mac", ".4g", "energy_over_bound")),
    ("TOPS/W", lambda design: f"{design['tops_per_watt']:.4g}"),
    ("TOPS/mm2", lambda design: f"{design['tops_per_mm2']:.4g}"),
    ("planes per vector", lambda design: _of_activity(design, "planes_per_vector", ".2f")),
    ("ones on the wordlines of a plane", lambda design: _of_activity(design, "ones_on_wordlines", ".1%")),
    ("cells with a weight", lambda design: _of_activity(design, "cells_in_use", ".1%")),
    ("toggles per net and cycle", lambda design: f"{design['toggles_per_net_and_cycle']:.3f}"),
    ("MACs simulated", lambda design: f"{design['macs']:,}"),
    ("cycles counted", lambda design: f"{design['cycles']:,}"),
    ("results compared, wrong", lambda design: f"{design['results']['compared']:,}, {design['results']['wrong']}"),
)


def _error(value):
    return "none of one run a layer" if value is None else f"{value:.2g}"


def _of_activity(design, key, form):
    """A figure of what the wordlines of a macro do; an array has none."""
    return format(design["activity"][key], form) if "activity" in design else ""


def _of_bound(design, key, form, times):
    """The least that a macro can take, and how many times that it takes; an array has none."""
    least = design.get("bound")
    return f"{least[key]:{form}}, {least[times]:.2f}" if least else ""


def columns(report):
    """The figures of each design, and of each with a network, by title."""
    networks = {f"{title}, network": report["network"][name] for name, title in DESIGNS.items()} \
        if "network" in report else {}
    return {title: report[name] for name, title in DESIGNS.items()} | networks


def _rows(report):
    """Name and values of each figure that one of the columns has."""
    rows = ((name, [show(design) for design in columns(report).values()]) for name, show in FIGURES)
    return [(name, values) for name, values in rows if any(values)]


def _shown(value):
    """A part of the label in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return str(value)


def facts(report):
    """What every figure is of: names and words."""
    label = report["label"]
    return {
        "evidence": f"{label['evidence']}; {'a layout of the macro as well' if 'layout' in report else 'no layout'}",
        "library": f"{label['library']}, corner {label['corner']}, {label['voltage_v']:g} V, "
                   f"{label['temperature_c']:g} C",
        "bits": f"weights of {label['weight_bits']}, inputs of {label['input_bits']}",
        "bitcells": label["bitcells"].replace("_", "-"),
        "clock gating": "yes" if label["clock_gating"] else "no",
        "data": label["data"],
        **({"network": report["network"]["data"]} if "network" in report else {}),
        "area": f"{label['area']}, from {label['area_from']}",
        "wires": f"estimated, {_shown(label['wires'])}" if isinstance(label["wires"], dict) else label["wires"],
        "clock tree": label["clock_tree"],
    }


def lines(report):
    """The label and the comparison, in lines."""
    return [*(f"{name}: {words}" for name, words in facts(report).items()), *_comparisons(report), *_views(report),
            *(f"{DESIGNS[name]}: {_path(report[name])}" for name in DESIGNS)]


def _comparisons(report):
    """The macro over the plain array, in a line for each kind of data."""
    found = {"": report} | ({"network, ": report["network"]} if "network" in report else {})
    return [f"{name}energy per MAC: the plain array's is {each['ratio']['energy']:.2f} times the macro's"
            f"{_of_ratio(each['ratio'])}; throughput "
            f"per area: the macro's is {each['ratio']['throughput_per_area']:.2f} times the plain array's"
            for name, each in found.items()]


def _of_ratio(ratio):
    return f" (standard error {_error(ratio['energy_error'])})" if "energy_error" in ratio else ""


def _views(report):
    """The size of the macro's views, and the greatest times at its ports."""
    if "views" not in report:
        return []
    found = report["views"]
    times = (f"{name} {max(found[key].values()):.3f} ns" for name, key in (
        ("greatest setup", "setup_ns"), ("hold", "hold_ns"), ("clock to output", "clock_to_output_ns")))
    why = ", which the pins need," * found["pins_decide_size"]
    return [f"views: {found['width_um']:.1f} x {found['height_um']:.1f} um{why} with {found['pins']} pins; "
            f"{', '.join(times)}"]


def _path(design):
    path = design["longest_path"]
    first, last = path["steps"][0]["name"], path["steps"][-1]["name"]
    return (f"longest path {path['ns']:.3f} ns, from {first} to {last}, {len(path['steps']) - 1} cells, setup "
            f"{path['setup_ns']:.3f} ns")


def tables(report):
    """Tables for the console: figures, then area and energy of blocks."""
    table = Table("", *columns(report), title=f"{report['design']} in {report['label']['library']}: synthesis")
    for name, values in _rows(report):
        table.add_row(name, *values)
    blocks = Table("block of the macro", "cells", "um2", "pJ per MAC", *KINDS, title="Area, and energy per MAC by kind")
    macro = report["macro"]
    for block, area in macro["area"].items():
        kinds = macro["pj_per_mac_by_block_and_kind"].get(block, dict.fromkeys(KINDS, 0.0))
        blocks.add_row(block, f"{area['cells']:,}", f"{area['um2']:,.0f}", f"{sum(kinds.values()):.4g}",
                       *(f"{kinds[kind]:.3g}" for kind in KINDS))
    blocks.add_row("all", f"{macro['cells']:,}", f"{macro['area_um2']:,.0f}", f"{macro['pj_per_mac']:.4g}",
                   *(f"{macro['pj_per_mac_by_kind'][kind]:.3g}" for kind in KINDS))
    return table, blocks


def files(report, section=""):
    """``report.json`` and ``report.html``, by name; a section in HTML comes behind the figures of synthesis."""
    return {"report.json": json.dumps(report, indent=2) + "\n", "report.html": page(report, section)}


def page(report, section=""):
    """The page."""
    title, found = html.escape(f"{report['design']} in {report['label']['library']}"), columns(report)
    rows = "".join(f"<tr><td>{html.escape(name)}</td>" + "".join(
        f"<td>{html.escape(value)}</td>" for value in values) + "</tr>" for name, values in _rows(report))
    label = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(words)}</dd>"
                    for name, words in facts(report).items())
    wrong, compared = (sum(design["results"][key] for design in found.values()) for key in ("wrong", "compared"))
    pictures = "".join(
        f"<h2>{html.escape(name)}</h2>\n<p>{html.escape(text)}</p>\n<img alt='{html.escape(name)}' "
        f"src='data:image/png;base64,{base64.b64encode(picture).decode()}'>\n"
        for name, text, picture in _pictures(report))
    floorplan = '<h2>Floorplan</h2><p>A hint, not a layout.</p><img src="views/floorplan.png">' * ("views" in report)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p>Figures of <b>synthesis</b>: nothing behind them was placed or routed.</p>
<dl>{label}</dl>
<p class='{"bad" if wrong else "good"}'>{compared:,} results of the simulated netlists compared, {wrong} wrong.</p>
<table><tr><th></th>{"".join(f"<th>{name}</th>" for name in found)}</tr>{rows}</table>
{"".join(f"<p>{html.escape(line)}.</p>" for line in _comparisons(report))}
{section}{pictures}{floorplan}
</body></html>
"""


def _pictures(report):
    """Titles, texts and pictures (PNG)."""
    plt = pyplot()

    drawings = (("Area by block", "Cells alone, um2.", _draw_area),
                ("Energy by block", "pJ per MAC, by what takes it: " + "; ".join(
                    f"{kind}, {text}" for kind, text in KINDS.items()) + ".", _draw_energy))
    for name, text, draw in drawings:
        yield name, text, png(draw(plt, report))


def _panels(plt, report, key):
    """Two panels, one for each design, with their blocks from the top."""
    counts = [len(report[design][key]) for design in DESIGNS]
    figure, axes = plt.subplots(2, 1, figsize=(11, 2 + 0.35 * sum(counts)), layout="constrained", sharex=True,
                                height_ratios=[1 + count for count in counts])
    for axis, (design, title) in zip(axes, DESIGNS.items()):
        names = list(report[design][key])
        axis.set_yticks(range(len(names)), labels=names, fontsize=8)
        axis.invert_yaxis()
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.12)
    return figure, dict(zip(DESIGNS, axes))


def _draw_area(plt, report):
    figure, axes = _panels(plt, report, "area")
    for design, axis in axes.items():
        values = [block["um2"] for block in report[design]["area"].values()]
        bars = axis.barh(range(len(values)), values, color="tab:blue")
        axis.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3, fontsize=8)
    axis.set_xlabel("um2", fontsize=9)
    return figure


def _draw_energy(plt, report):
    figure, axes = _panels(plt, report, "pj_per_mac_by_block")
    for design, axis in axes.items():
        blocks = report[design]["pj_per_mac_by_block"]
        left = [0.0] * len(blocks)
        for kind in KINDS:
            values = [report[design]["pj_per_mac_by_block_and_kind"][block][kind] for block in blocks]
            bars = axis.barh(range(len(values)), values, left=left, label=kind)
            left = [start + value for start, value in zip(left, values)]
        axis.bar_label(bars, [f"{value:.3g}" for value in blocks.values()], padding=3, fontsize=8)
    axis.set_xlabel("pJ per MAC", fontsize=9)
    axes["macro"].legend(fontsize=8, loc="lower right")
    return figure
