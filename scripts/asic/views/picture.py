"""A picture of a floorplan."""

from ...common.pictures import png, pyplot

COLORS = {"wordline drivers": "#8dd3c7", "row decoder": "#bebada", "controller": "#fb8072", "other": "#d9d9d9",
          "column of ones": "#fccde5", "bitcells": "#80b1d3", "adder trees": "#fdb462", "accumulators": "#b3de69"}
# Inches.
WIDTH = 9


def draw(floorplan, title):
    """The picture, PNG: regions, and pins on the edges."""
    plt = pyplot()
    ratio = floorplan.height / floorplan.width
    figure, axis = plt.subplots(figsize=(WIDTH, 1.9 + 0.9 * WIDTH * ratio), layout="constrained")
    for region in floorplan.regions:
        box = region.box
        axis.add_patch(plt.Rectangle((box.left, box.bottom), box.right - box.left, box.top - box.bottom,
                                     facecolor=COLORS[region.kind], edgecolor="#555555", linewidth=0.4))
        bands = floorplan.bands(region)
        axis.hlines(bands[1:-1], box.left, box.right, colors="#555555", linewidths=0.15)
    for pin in floorplan.pins:
        box = pin.box
        axis.add_patch(plt.Rectangle((box.left, box.bottom), box.right - box.left, box.top - box.bottom,
                                     facecolor="#b3261e", edgecolor="#b3261e", linewidth=0.3))
    areas = {}
    for region in floorplan.regions:
        areas[region.kind] = areas.get(region.kind, 0.0) + region.area
    handles = [plt.Rectangle((0, 0), 1, 1, facecolor=COLORS[kind], edgecolor="#555555") for kind in areas]
    labels = [f"{kind}, {area / floorplan.cell_area:.1%}" for kind, area in areas.items()]
    handles.append(plt.Rectangle((0, 0), 1, 1, facecolor="#b3261e"))
    labels.append(f"{len(floorplan.pins)} pins")
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    axis.set_xlim(0, floorplan.width)
    axis.set_ylim(0, floorplan.height)
    axis.set_aspect("equal")
    axis.set_xlabel("um", fontsize=9)
    axis.tick_params(labelsize=8)
    axis.set_title(f"{title}: a hint, not a layout", fontsize=10)
    return png(figure)
