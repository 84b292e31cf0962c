"""The floorplan: cells on sites with room between them, fillers, rails and straps of the supplies, pins at the edge."""

from dataclasses import dataclass

from ..common.tools import FlowError
from .names import terminals
from .refine import Refinement

# Sites between the edge and the rows, left and right; tracks of horizontal wires, below and above.
MARGIN_SITES, MARGIN_TRACKS = 15, 12
# Width of a strap, and its distance from the rows, in sites.
STRAP_WIDTH, STRAP_SITES = 2, (3, 7)


@dataclass(frozen=True)
class Located:
    """A cell of the layout: um from the lower left corner of the layout, and DEF's name of its orientation."""

    name: str
    cell: str
    x: float
    y: float
    orientation: str


@dataclass(frozen=True)
class EdgePin:
    """A pin at the edge: place of its middle, um, and its layer."""

    name: str
    x: float
    y: float
    layer: str


@dataclass(frozen=True)
class Floorplan:
    """A layout before routing, um.

    Attributes
    ----------
    width, height : float
    cells, fillers : list of Located
    pins : list of EdgePin
    core : (float, float, float, float)
        x0, y0, x1, y1 of the rows.
    row_height : float
    is_first_upright : bool
        Whether the lowest row is; every second one is.
    """

    width: float
    height: float
    cells: list
    fillers: list
    pins: list
    core: tuple
    row_height: float
    is_first_upright: bool

    @property
    def rails(self):
        """Height of each boundary of rows, and whether ground is on it."""
        rows = round((self.core[3] - self.core[1]) / self.row_height)
        return [(self.core[1] + row * self.row_height, (row % 2 == 0) == self.is_first_upright)
                for row in range(rows + 1)]


def orientation(is_upright, is_mirrored):
    """DEF's."""
    return {(True, False): "N", (True, True): "FN", (False, False): "FS", (False, True): "S"}[is_upright, is_mirrored]


def spread(wanted, widths, total):
    """Sites of cells in a row that begin as near as they can to where they are wanted, in order, without overlap.

    Parameters
    ----------
    wanted, widths : list of int
    total : int
        Sites of the row.
    """
    places, end = [], 0
    for place, width in zip(wanted, widths):
        end = max(end, place)
        places.append(end)
        end += width
    limit = total
    for index in reversed(range(len(places))):
        places[index] = min(places[index], limit - widths[index])
        limit = places[index]
    return places


def floorplan(netlist, names, lef, placement, utilization, filler):
    """The `Floorplan` of a placement.

    Parameters
    ----------
    netlist : Netlist
    names : Names
    lef : Lef
    placement : Placement
    utilization : float
        Share of the rows that cells take.
    filler : str
        Cell one site wide, for what is left.
    """
    kinds = {name: instance.cell.name for instance, name in zip(netlist.instances, names.cells)}
    widths = {name: round(lef.cells[kind].width / lef.site_width) for name, kind in kinds.items()}
    height = lef.cells[filler].height
    places, total = _stretched(placement, widths, utilization, lef.site_width)
    x0, y0 = MARGIN_SITES * lef.site_width, MARGIN_TRACKS * lef.layers[0].pitch
    core = x0, y0, x0 + total * lef.site_width, y0 + placement.rows * height
    pins = _pins(lef, placement, core[2] + x0, core[3] + y0)
    points = {names.pins[pin.name]: (pin.x - x0, pin.y - y0) for pin in pins}
    nets = [([names.cells[index] for index, _ in ends], [points[net]] if net in points else [])
            for net, ends in terminals(netlist).items()]
    Refinement(places, widths, placement.rows, total, nets, lef.site_width, height).run()

    def located(name, kind, row, place, is_mirrored):
        is_upright = (row % 2 == 0) == placement.is_first_upright
        return Located(name, kind, x0 + place * lef.site_width, y0 + row * height, orientation(is_upright, is_mirrored))

    free = {(row, place) for row in range(placement.rows) for place in range(total)}
    for name, (row, place) in places.items():
        free.difference_update((row, place + site) for site in range(widths[name]))
    return Floorplan(
        core[2] + x0, core[3] + y0,
        [located(name, kinds[name], *place, placement.cells[name].is_mirrored) for name, place in places.items()],
        [located(f"f{row}_{place}", filler, row, place, False) for row, place in sorted(free)], pins, core, height,
        placement.is_first_upright)


def _stretched(placement, widths, utilization, site):
    """Row and first site of each cell, with rows as long as the utilization asks for; and the sites of a row."""
    rows = [[] for _ in range(placement.rows)]
    for name, placed in placement.cells.items():
        rows[placed.row].append((placed.x, name))
    fullest = max(sum(widths[name] for _, name in row) for row in rows)
    total = max(fullest, round(sum(widths.values()) / placement.rows / utilization))
    left, right = placement.box[0], placement.box[2]
    places = {}
    for number, row in enumerate(rows):
        row.sort()
        sizes = [widths[name] for _, name in row]
        # Stretched about its middle, so that a cell keeps its neighbors above and below.
        wanted = [round((x - left + size * site / 2) / (right - left) * total - size / 2)
                  for (x, _), size in zip(row, sizes)]
        places |= {name: (number, place) for (_, name), place in zip(row, spread(wanted, sizes, total))}
    return places, total


def _pins(lef, placement, width, height):
    """Pins at the edge that each is nearest to, in the order in which they are there, on tracks."""
    x0, y0, x1, y1 = placement.box
    sides = {"left": [], "right": [], "bottom": [], "top": []}
    for name, (x, y) in placement.pins.items():
        distance = {"left": x - x0, "right": x1 - x, "bottom": y - y0, "top": y1 - y}
        side = min(distance, key=distance.get)
        share = (y - y0) / (y1 - y0) if side in ("left", "right") else (x - x0) / (x1 - x0)
        sides[side].append((share, name))
    pins = []
    horizontal = next(layer for layer in lef.layers[1:] if layer.is_horizontal)
    vertical = next(layer for layer in lef.layers[1:] if not layer.is_horizontal)
    for side, found in sides.items():
        layer = horizontal if side in ("left", "right") else vertical
        length = height if side in ("left", "right") else width
        margin = MARGIN_TRACKS if side in ("left", "right") else MARGIN_SITES
        pitch = layer.pitch
        tracks = round(length / pitch) - 2 * margin
        found.sort()
        # At least two tracks apart, if there is room.
        wanted = [round(share * tracks) for share, _ in found]
        apart = 2 if 2 * len(found) <= tracks else 1
        if len(found) > tracks:
            raise FlowError(f"pins at the {side} must have a track each, and {len(found)} have {tracks}: a lower "
                            "--utilization gives more")
        for (_, name), place in zip(found, spread(wanted, [apart] * len(found), tracks)):
            along = (margin + place + 0.5) * pitch
            x, y = {"left": (0.5 * lef.site_width, along), "right": (width - 0.5 * lef.site_width, along),
                    "bottom": (along, 0.5 * horizontal.pitch), "top": (along, height - 0.5 * horizontal.pitch)}[side]
            pins.append(EdgePin(name, round(x, 4), round(y, 4), layer.name))
    return pins
