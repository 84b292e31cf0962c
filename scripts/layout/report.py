"""What a layout adds to the report of `bitline asic`."""

import base64
import html

from rich.table import Table

from ..common.progress import count_of

EMBEDDED = "layout.png"
# Name, and how its value is printed of the figures of a design.
FIGURES = (
    ("period with an ideal clock, ns", lambda figures: f"{figures['period_ns']:.3f}"),
    ("pJ per MAC", lambda figures: f"{figures['pj_per_mac']:.4g}"),
    ("of these wires", lambda figures: f"{figures['pj_per_mac_by_kind']['wires']:.3g}"),
    ("of these clock", lambda figures: f"{figures['pj_per_mac_by_kind']['clock']:.3g}"),
    ("TOPS/W", lambda figures: f"{figures['tops_per_watt']:.4g}"),
    ("results compared, wrong", lambda figures: f"{figures['results']['compared']:,}, {figures['results']['wrong']}"),
)


def _rows(report):
    """Names and values: with estimated wires, with routed ones."""
    layout = report["layout"]
    yield "wires of all nets, pF", f"{layout['estimated_wire_pf']:.3f}", f"{layout['wire_pf']:.3f}"
    for name, show in FIGURES:
        yield name, show(report["macro"]), show(layout["figures"])


def layout_tables(report):
    """Tables for the console; none without a layout."""
    if "layout" not in report:
        return []
    table = Table("macro", "synthesis, wires estimated", "layout, wires routed", title="Layout: delay and energy")
    for row in _rows(report):
        table.add_row(*row)
    rules = Table("design rule", "boxes", title="Design rules that are broken")
    for rule, count in report["layout"]["design_rule_boxes"].items():
        rules.add_row(rule, f"{count:,}")
    return [table, rules] if report["layout"]["design_rule_boxes"] else [table]


def layout_facts(report):
    """Names and words."""
    layout = report["layout"]
    width, height = layout["die_um"]
    by_layer = ", ".join(f"{layer} {length:,.0f}" for layer, length in layout["wire_um_by_layer"].items())
    clock, broken = layout["clock_net"], layout["design_rule_places"]
    return {
        "layout": f"{width:,.1f} x {height:,.1f} um, {layout['die_um2']:,.0f} um2; {layout['rows']} rows, of which "
                  f"cells take {layout['utilization']:.1%}",
        "throughput of the layout": f"{layout['tops_per_mm2_of_layout']:.4g} TOPS/mm2",
        "wires": f"{layout['wire_um']:,.0f} um of {layout['nets_routed']:,} nets ({by_layer}), {layout['vias']:,} "
                 f"vias; Elmore delay of a net but the clock, which the period leaves out, at most "
                 f"{layout['greatest_elmore_ps']:.2f} ps (qrouter has {layout['nets_with_elmore']:,} of the nets)",
        "clock": f"one net without buffers: {clock['um']:,.0f} um, {clock['pf']:.3f} pF, {clock['pins']:,} pins; "
                 f"Elmore delay to the last pin {clock['elmore_latency_ps']:.1f} ps, {clock['elmore_skew_ps']:.1f} ps "
                 "after the first. The period is that of an ideal clock: without a clock tree the layout does not run "
                 "at it, and hold is not checked",
        "wires as magic extracts them": f"{layout['extracted_pf']:.3f} pF, with what is between two of them at both; "
                                        f"by length and LEF {layout['wire_pf']:.3f} pF",
        "layout against netlist": layout["layout_against_netlist"],
        **({"ports without a pin, constant or the same net as another": ", ".join(layout["ports_without_pin"])}
           if layout["ports_without_pin"] else {}),
        "design rules": (f"{count_of(len(layout['design_rule_boxes']), 'rule')} broken, at "
                         f"{count_of(broken, 'place')}" if broken else "kept"),
    }


def layout_lines(report):
    """The facts, in lines; none without a layout."""
    return [f"{name}: {words}" for name, words in layout_facts(report).items()] if "layout" in report else []


def page_section(report, files):
    """The section of the page, with the picture; empty without a layout."""
    if "layout" not in report:
        return ""
    facts = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(words)}</dd>"
                    for name, words in layout_facts(report).items())
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(word)}</td>' for word in row)}</tr>" for row in _rows(report))
    rules = "".join(f"<tr><td>{html.escape(rule)}</td><td>{count:,}</td></tr>"
                    for rule, count in report["layout"]["design_rule_boxes"].items())
    rules = rules and f"<table><tr><th>design rule that is broken</th><th>boxes</th></tr>{rules}</table>"
    state = "good" if report["layout"]["matches"] else "bad"
    return f"""<h2>Layout</h2>
<p>Figures of a <b>layout</b> of the macro, which was placed and routed; cells are abstracts, without transistors.</p>
<p class='{state}'>Layout against netlist: {html.escape(report["layout"]["layout_against_netlist"])}</p>
<dl>{facts}</dl>
<table><tr><th></th><th>synthesis, wires estimated</th><th>layout, wires routed</th></tr>{rows}</table>
{rules}
<img alt='layout' src='data:image/png;base64,{base64.b64encode(files[EMBEDDED]).decode()}'>
"""
