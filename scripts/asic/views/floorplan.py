"""A floorplan of a macro: its size, where its blocks could be, and its pins on the edges."""

import math
from collections import defaultdict
from dataclasses import dataclass

# Where pins are: inputs at the wordline drivers, weights where they come into the columns, results where they leave.
SIDES = {"i": "left", "clk": "left", "rst": "left", "write": "top", "o": "bottom"}
# Blocks at the left, from the bottom, and those of a column; what is of no block, as buffers are, is with the first.
STACKED = ("controller", "row decoder", "other", "wordline drivers")
ONES, COLUMN = "column of ones", ("accumulators", "bitcells", "adder trees")
# Tracks from one pin to the next at least, so that a via has room beside it.
PIN_TRACKS = 2


@dataclass(frozen=True)
class Box:
    """A rectangle, um."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True)
class Region:
    """Where the cells of a block could be: its name and kind, the prefixes of its cells' names, um2 of cells."""

    name: str
    kind: str
    instances: list
    area: float
    box: Box


@dataclass(frozen=True)
class Pin:
    """A bit of a port: its name, layer and shape, and the edge that it is on."""

    name: str
    is_input: bool
    layer: object
    edge: str
    box: Box


class Floorplan:
    """The floorplan of a netlist.

    Regions have areas as their cells have, and fill the macro: the wordline drivers with all that is not of a column at
    the left, then the column of ones, then the columns. A column is its bitcells, the tree beside them, and the
    accumulator below.

    Parameters
    ----------
    netlist : Netlist
    technology : Technology
    utilization : float
        Share of the macro that cells take.
    rows : int
        Of the macro: its bitcells stand in so many bands, each beside its wordline's driver.

    Attributes
    ----------
    width, height : float
        um, of whole sites and rows.
    is_pin_limited : bool
        The pins need more than the cells.
    regions : list of Region
    pins : list of Pin
    """

    def __init__(self, netlist, technology, utilization, rows):
        self.technology, self.utilization, self.rows = technology, utilization, rows
        self._areas, self._prefixes = _by_region(netlist)
        self.cell_area = sum(self._areas.values())
        self._ports = netlist.ports
        self._size()
        self.regions = list(self._regions())
        self.pins = [pin for edge in ("left", "top", "bottom") for pin in self._pins(edge)]

    @property
    def box(self):
        """The macro."""
        return Box(0, 0, self.width, self.height)

    def _bits(self, edge):
        """Name and direction of each pin of an edge."""
        return [(f"{name}[{index}]" if len(nets) > 1 else name, is_input)
                for name, (is_input, nets) in self._ports.items() if SIDES[name.split("_")[0]] == edge
                for index in range(len(nets))]

    def _size(self):
        horizontal, vertical = self.technology.pin_layers
        area = self.cell_area / self.utilization
        tall = PIN_TRACKS * horizontal.pitch * (len(self._bits("left")) + 1)
        wide = PIN_TRACKS * vertical.pitch * (max(len(self._bits(edge)) for edge in ("top", "bottom")) + 1)
        height = max(math.sqrt(area), tall)
        self.height = _up(height, self.technology.row_height)
        self.width = _up(max(area / self.height, wide), self.technology.site_width)
        self.is_pin_limited = self.width * self.height > 1.1 * area

    # Regions.

    def _regions(self):
        density = self.cell_area / (self.width * self.height)
        places = sorted({place for _, place in self._areas if place}, key=lambda place: [*map(int, place.split("."))])
        left = 0.0
        for keys in ([(kind, "") for kind in STACKED], [(ONES, "")],
                     *([(kind, place) for kind in COLUMN] for place in places)):
            keys = [key for key in keys if key in self._areas]
            if keys:
                right = left + sum(self._areas[key] for key in keys) / density / self.height
                yield from self._strip(keys, left, right)
                left = right

    def _strip(self, keys, left, right):
        """Regions of a strip, one above the other; but bitcells and tree of a column stand side by side at the top."""
        beside = [key for key in keys if key[0] in COLUMN[1:]]
        total, bottom = sum(self._areas[key] for key in keys), 0.0
        for key in (key for key in keys if key not in beside):
            top = bottom + self.height * self._areas[key] / total
            yield self._region(key, Box(left, bottom, right, top))
            bottom = top
        width, area = right - left, sum(self._areas[key] for key in beside)
        for key in beside:
            right = left + width * self._areas[key] / area
            yield self._region(key, Box(left, bottom, right, self.height))
            left = right

    def _region(self, key, box):
        kind, place = key
        return Region(f"{kind} {place}".strip(), kind, sorted(self._prefixes[key]), self._areas[key], box)

    def bands(self, region):
        """Where bands of bitcells begin, row 0 first and highest, and where the last ends; none in other regions."""
        if region.kind != "bitcells":
            return []
        height = region.box.top - region.box.bottom
        return [region.box.top - height * row / self.rows for row in range(self.rows + 1)]

    # Pins.

    def _pins(self, edge):
        layer = self.technology.pin_layers[edge != "left"]
        bits, length = self._bits(edge), self.height if edge == "left" else self.width
        tracks = int((length - layer.offset) / layer.pitch)
        # Evenly, and as the size was chosen no closer than it was for.
        step = tracks // max(1, len(bits))
        first = (tracks - step * (len(bits) - 1)) // 2
        # Long enough for the least area of a shape.
        depth = max(2 * layer.pitch, layer.area / layer.width)
        for index, (name, is_input) in enumerate(bits):
            middle = layer.offset + layer.pitch * (first + step * index)
            low, high = middle - layer.width / 2, middle + layer.width / 2
            box = {"left": Box(0, low, depth, high), "bottom": Box(low, 0, high, depth),
                   "top": Box(low, self.height - depth, high, self.height)}[edge]
            yield Pin(name, is_input, layer, edge, box)

    def to_dict(self):
        """What `floorplan.json` has."""
        return {
            "width_um": _round(self.width), "height_um": _round(self.height),
            "cells_um2": _round(self.cell_area), "utilization": self.cell_area / (self.width * self.height),
            "pins_decide_size": self.is_pin_limited,
            "site": self.technology.site, "site_um": [self.technology.site_width, self.technology.row_height],
            "regions": [{"name": region.name, "kind": region.kind, "instances": region.instances,
                         "cells_um2": _round(region.area), "box_um": _corners(region.box),
                         **({"rows_um": [_round(place) for place in self.bands(region)]} if self.bands(region) else {})}
                        for region in self.regions],
            "pins": [{"name": pin.name, "edge": pin.edge, "layer": pin.layer.name, "box_um": _corners(pin.box)}
                     for pin in self.pins],
        }


def _up(value, step):
    return math.ceil(value / step - 1e-9) * step


def _round(value):
    return round(value, 4)


def _corners(box):
    return [_round(value) for value in (box.left, box.bottom, box.right, box.top)]


def _by_region(netlist):
    """um2 of cells, and prefixes of their names, by kind of block and column, which is empty outside of columns."""
    areas, prefixes = defaultdict(float), defaultdict(set)
    for instance in netlist.instances:
        prefix, place = _place(instance.name)
        if instance.block in COLUMN:
            key = (instance.block, place) if place else ("other", "")
        else:
            key = (instance.block if instance.block in (*STACKED, ONES) else "other"), ""
        areas[key] += instance.cell.area
        if prefix:
            prefixes[key].add(prefix)
    return dict(areas), prefixes


def _place(name):
    """The path of a cell's block with ``*`` behind it, and its column as block and number, from its name."""
    path = name.split(".")[:-1]
    for index, part in enumerate(path):
        word, _, number = part.rpartition("_")
        if word in ("array", "tree", "accumulator") and path[0].startswith("block_"):
            return f"{'.'.join(path[:index + 1])}.*", f"{path[0].removeprefix('block_')}.{number}"
    return f"{path[0]}.*" if path and not path[0].startswith("block_") else "", ""
