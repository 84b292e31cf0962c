"""DEF: what a router gets, and the wires that it has made."""

from collections import defaultdict
from dataclasses import dataclass

from ..common.lef import GROUND, POWER
from .floorplan import STRAP_SITES, STRAP_WIDTH
from .names import GROUND_NET, POWER_NET, terminals

UNITS = 1000
# Of metal1, um: as wide as those in the cells.
RAIL_WIDTH = 0.6
# Vias of a rail to a strap: um from the middle of the strap.
STRAP_VIAS = (-0.5, 0.5)
# What straps go beyond the outer rails, um.
STRAP_END = 1
# What the middle of a wire is away from other metal, um: half of a via's metal, and the spacing.
ROOM = 0.5
# As wide as a via's metal, um.
PIN_WIDTH = 0.4
SUPPLIES = {POWER_NET: POWER, GROUND_NET: GROUND}


def _at(*point):
    return f"( {' '.join(str(round(value * UNITS)) for value in point)} )"


def def_text(name, netlist, names, lef, plan, via, routed=None):
    """The DEF of a floorplan, for the router; or, with the DEF that it has made of this, of the layout.

    qrouter mixes up nets where rails and straps are nets of their own: it knows rails from the cells, and the rest from
    `obstructions`.

    Parameters
    ----------
    name : str
        Of the design.
    netlist : Netlist
    names : Names
    lef : Lef
    plan : Floorplan
    via : str
        Of the two lowest layers.
    routed : str, optional
    """
    cells = [*plan.cells, *plan.fillers]
    directions = {net: "INPUT" if is_input else "OUTPUT" for is_input, nets in netlist.ports.values() for net in nets}
    if routed is None:
        rest = _section("NETS", _nets(netlist, names))
    else:
        nets = routed[routed.index("\nNETS ") + 1:routed.index("END NETS")]
        rest = [*_section("SPECIALNETS", list(_supplies(lef, plan, via))), f"{nets}END NETS", ""]
    pins = [f"- {pin.name} + NET {pin.name} + DIRECTION {directions[names.pins[pin.name]]} + USE SIGNAL\n"
            f"  + LAYER {pin.layer} {_shape(lef, plan, pin)} + PLACED {_at(pin.x, pin.y)} N ;" for pin in plan.pins]
    pins += _supply_pins(lef, plan)
    return "\n".join([
        "VERSION 5.6 ;", 'DIVIDERCHAR "/" ;', 'BUSBITCHARS "[]" ;', f"DESIGN {name} ;",
        f"UNITS DISTANCE MICRONS {UNITS} ;", "", f"DIEAREA {_at(0, 0)} {_at(plan.width, plan.height)} ;", "",
        *_tracks(lef, plan), "",
        *_section("COMPONENTS", [f"- {cell.name} {cell.cell} + PLACED {_at(cell.x, cell.y)} {cell.orientation} ;"
                                 for cell in cells]),
        *_section("PINS", pins), *rest, "END DESIGN", ""])


def _section(name, entries):
    return [f"{name} {len(entries)} ;", *entries, f"END {name}", ""]


def _shape(lef, plan, pin):
    """A pin, to the edge of the layout: a via alone is less metal than rules allow."""
    half = PIN_WIDTH / 2
    low, high = [-half, -half], [half, half]
    axis = 0 if next(layer for layer in lef.layers if layer.name == pin.layer).is_horizontal else 1
    place, length = (pin.x, pin.y)[axis], (plan.width, plan.height)[axis]
    if place < length / 2:
        low[axis] = -place
    else:
        high[axis] = length - place
    return f"{_at(*low)} {_at(*high)}"


def _tracks(lef, plan):
    """Tracks of each layer in the direction that it prefers, from half a pitch on."""
    for layer in lef.layers:
        axis, length = ("Y", plan.height) if layer.is_horizontal else ("X", plan.width)
        yield (f"TRACKS {axis} {round(layer.pitch / 2 * UNITS)} DO {int(length / layer.pitch)} STEP "
               f"{round(layer.pitch * UNITS)} LAYER {layer.name} ;")


def _nets(netlist, names):
    """What is to be connected: nets of two or more pins of cells or of the layout."""
    pins = {net: name for name, net in names.pins.items()}
    lines = []
    for net, places in sorted(terminals(netlist).items()):
        ends = [f"( PIN {pins[net]} )"] if net in pins else []
        ends += [f"( {names.cells[index]} {pin} )" for index, pin in places]
        if len(ends) > 1:
            # qrouter puts wires where the semicolon stands in a line of its own.
            lines.append("\n".join([f"- {names.nets[net]}", *(f"  {end}" for end in ends), ";"]))
    return lines


def straps(lef, plan):
    """Middle of each strap, um from the left, by net."""
    return {net: (plan.core[0] - sites * lef.site_width, plan.core[2] + sites * lef.site_width)
            for net, sites in zip((GROUND_NET, POWER_NET), STRAP_SITES)}


def obstructions(lef, plan):
    """Straps, what rails add to the rows, and the room around both: (x0, y0, x1, y1, layer), um."""
    low, high = lef.layers[0].name, lef.layers[1].name
    (first, last), half = (straps(lef, plan)[POWER_NET]), STRAP_WIDTH / 2
    for places in straps(lef, plan).values():
        for x in places:
            yield (x - half - ROOM, plan.core[1] - STRAP_END - ROOM, x + half + ROOM,
                   plan.core[3] + STRAP_END + ROOM, high)
    for y, _ in plan.rails:
        for x0, x1 in ((first - half, plan.core[0]), (plan.core[2], last + half)):
            yield x0 - ROOM, y - RAIL_WIDTH / 2 - ROOM, x1 + ROOM, y + RAIL_WIDTH / 2 + ROOM, low


def _supplies(lef, plan, via):
    """Rails along all rows, and straps at both sides from the lowest to the highest of them."""
    low, high = lef.layers[0].name, lef.layers[1].name
    bottom, top = plan.core[1], plan.core[3]
    for net, (left, right) in straps(lef, plan).items():
        rails = [y for y, is_ground in plan.rails if is_ground == (net == GROUND_NET)]
        wires = [f"{low} {round(RAIL_WIDTH * UNITS)} {_at(left - STRAP_WIDTH / 2, y)} {_at(right + STRAP_WIDTH / 2, y)}"
                 for y in rails]
        for x in (left, right):
            wires.append(f"{high} {STRAP_WIDTH * UNITS} {_at(x, bottom - STRAP_END)} {_at(x, top + STRAP_END)}")
            wires += [f"{low} 0 {_at(x + step, y)} {via}" for y in rails for step in STRAP_VIAS]
        yield (f"- {net} ( * {net} ) + USE {SUPPLIES[net]}\n  + ROUTED " + "\n    NEW ".join(wires) + " ;")


def _supply_pins(lef, plan):
    """A pin of each supply, on its left strap."""
    half = STRAP_WIDTH / 2
    return [f"- {net} + NET {net} + DIRECTION INOUT + USE {SUPPLIES[net]}\n  + LAYER {lef.layers[1].name} "
            f"{_at(-half, -half)} {_at(half, half)} + PLACED {_at(left, plan.core[1])} N ;"
            for net, (left, _) in straps(lef, plan).items()]


@dataclass(frozen=True)
class Wires:
    """The wires of a net: um of each layer, without what lies twice, and the number of vias."""

    lengths: dict
    vias: int

    @property
    def length(self):
        """um of all layers."""
        return sum(self.lengths.values())


def read_wires(text):
    """The `Wires` of each net of a routed DEF, by name; a net without wires is not there."""
    words = iter(text[text.index("\nNETS "):].split())
    found, statement = {}, []
    for word in words:
        if word == "END":
            break
        if word != ";":
            statement.append(word)
            continue
        if statement[0] == "-" and "ROUTED" in statement:
            found[statement[1]] = _wires(statement[statement.index("ROUTED") + 1:])
        statement = []
    return found


def _wires(words):
    """Of the words behind ``ROUTED``: parts that begin with a layer, each points and vias."""
    segments, vias = defaultdict(list), 0
    layer, last, place = words[0], None, 1
    while place < len(words):
        word = words[place]
        if word == "NEW":
            layer, last = words[place + 1], None
            place += 1
        elif word == "(":
            end = words.index(")", place)
            x, y = words[place + 1:place + 3]
            point = (last[0] if x == "*" else int(x), last[1] if y == "*" else int(y))
            if last is not None and point != last:
                segments[layer].append((last, point))
            last, place = point, end
        elif word == "+":
            break
        elif last is not None:
            vias += 1
        place += 1
    return Wires({layer: covered(pairs) / UNITS for layer, pairs in segments.items()}, vias)


def covered(segments):
    """Length of straight segments, what lies twice once."""
    lines = defaultdict(list)
    for (x0, y0), (x1, y1) in segments:
        if x0 == x1:
            lines[True, x0].append(sorted((y0, y1)))
        else:
            lines[False, y0].append(sorted((x0, x1)))
    total = 0
    for pieces in lines.values():
        end = None
        for low, high in sorted(pieces):
            total += max(0, high - (low if end is None else max(low, end)))
            end = high if end is None else max(end, high)
    return total
