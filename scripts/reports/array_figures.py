"""Figures of `bitline bench fpga` as a table, as a picture, and for documents."""

from rich.table import Table

from ..common import markdown
from ..common.pictures import pyplot
from ..fpga.array_flow import BITS, DEVICE

# Of a row of figures: title and digits after the point.
FIGURES = {
    "lut_per_operation": ("LUT sites per 1b x 8b MAC", 2),
    "lut_per_mac": ("LUT sites per int8 MAC/cycle", 1),
    "fmax_mhz": ("Fmax, MHz", 0),
    "gmac_per_second": ("GMAC/s int8", 2),
    "gmac_per_second_per_kilolut": ("GMAC/s per 1000 LUT sites", 2),
}
# Figures of the picture; LUT sites per MAC are eight times those per operation, so one of the two is enough.
PICTURED = [name for name in FIGURES if name != "lut_per_mac"]


HEADS = ("design", "commit", "license", "int8 MACs per cycle", "LUT sites", "flip-flops", "block RAMs", "DSPs",
         "LUT sites per product", "mapped for area", "Fmax, MHz", "seeds", "GMAC/s int8", "per 1000 LUT sites")


def make_table(rows, peers):
    """The figures, for the console."""
    table = Table("array", "rows x columns", *(title for title, _ in FIGURES.values()), "seeds, MHz", "checked",
                  title=f"Columns and accumulators on {DEVICE.name} speed grade 6, weights of {BITS} bits")
    for row in rows:
        table.add_row(_with_extras(row["title"], row), f"{row['rows']} x {row['columns']}", *_figures(row), _seeds(row),
                      f"{row['checked'] or '-'}")
    for row in peers:
        macs = f"{row['macs_per_cycle']:g} MAC{'' if row['macs_per_cycle'] == 1 else 's'}"
        if "failed" in row:
            table.add_row(row["name"], macs, "failed")
        else:
            table.add_row(_with_extras(row["name"], row), macs, *_figures(row), _seeds(row), "-")
    return table


def _figures(row):
    return ("-" if row[name] is None else f"{row[name]:,.{digits}f}" for name, (_, digits) in FIGURES.items())


def _seeds(row):
    return ", ".join(f"{fmax:.0f}" for fmax in row["seeds"].values())


def _with_extras(title, row):
    counts = row["counts"]["array"]
    return ", ".join([title, *(f"{counts[kind]} {label}" for kind, label in (("block_ram", "block RAMs"),
                                                                             ("dsp", "DSPs")) if counts[kind])])


def make_document(report):
    """The table of peers beside the arrays and a whole macro, in Markdown, and the notes of the peers."""
    rest = report["rest"]
    size = rest["rows"] * rest["columns"]
    rows = [[f"{row['title']}, {row['rows']} x {row['columns']}", "", "", *_cells(row, row["counts"]["array"])]
            for row in report["arrays"]]
    rows.append([f"whole macro of table columns, {rest['rows']} x {rest['columns']}, 1 bank", "", "",
                 f"{size / BITS:g}", f"{rest['macro']:,}", "", "", "", f"{rest['macro'] / size:.2f}", "", "not placed",
                 "", "", ""])
    for row in report["peers"]:
        head = [f"[{row['name']}]({row['repository']}): `{row['top']}`", f"`{row['commit'][:7]}`", row["license"]]
        rows.append([*head, *(["failed"] + [""] * (len(HEADS) - 4) if "failed" in row else
                              _cells(row, row["counts"]["array"], row["for_area"]["lut_per_operation"]))])
    notes = [f"- *{row['name']}*: {' '.join(row['note'].split())}" for row in report["peers"] if row["note"]]
    return "\n".join([markdown.table(HEADS, rows), "", *notes, ""])


def _cells(row, counts, for_area=None):
    return [f"{row['operations_per_cycle'] / BITS:g}",
            *(f"{counts[kind]:,}" for kind in ("placed_sites", "flip_flop", "block_ram", "dsp")),
            f"{row['lut_per_operation']:.2f}", "" if for_area is None else f"{for_area:.2f}", f"{row['fmax_mhz']:.0f}",
            _seeds(row), *("" if row[name] is None else f"{row[name]:.2f}" for name in (
                "gmac_per_second", "gmac_per_second_per_kilolut"))]


def draw(rows, peers, path):
    """The figures over the sizes, a line for each kind; a level for each peer, which has one size."""
    plt = pyplot()

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), sharex=True, layout="constrained")
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    for axis, name in zip(axes.flat, PICTURED):
        for title in dict.fromkeys(row["title"] for row in rows):
            points = [(sizes.index(row["size"]), row[name]) for row in rows if row["title"] == title]
            axis.plot(*zip(*points), marker="o", label=title)
        for index, row in enumerate(row for row in peers if row.get(name) is not None):
            axis.axhline(row[name], label=row["name"], color=f"C{index}", linestyle=("--", ":", "-.")[index % 3])
        axis.set_title(FIGURES[name][0], fontsize=11)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.set_xticks(range(len(sizes)), sizes)
        axis.margins(x=0.15)
    for axis in axes[1]:
        axis.set_xlabel("rows x columns")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    figure.suptitle(f"{DEVICE.name}, speed grade 6: weights of {BITS} bits, one bit of an input a cycle "
                    "(DSPs: all bits)", fontsize=12)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
