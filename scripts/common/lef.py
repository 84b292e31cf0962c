"""LEF: layers of wires and the site of a technology, sizes and abstracts of cells."""

from dataclasses import dataclass

from .files import BadInput

# Blocks that end with their name, and that end with their own keyword.
NAMED = ("LAYER", "VIA", "VIARULE", "SITE", "MACRO", "NONDEFAULTRULE", "ARRAY")
KEYWORDS = ("UNITS", "PROPERTYDEFINITIONS", "SPACING", "NOISETABLE", "CORRECTIONTABLE")
# Of the layers for wires, pins are on these, counted from 0: below are those of the cells' own pins and wires.
PIN_LAYERS = slice(2, 4)
# What pins are for.
POWER, GROUND = "POWER", "GROUND"


@dataclass(frozen=True)
class Layer:
    """A layer of wires; um.

    Attributes
    ----------
    name : str
    is_horizontal : bool
        Its wires run from left to right.
    pitch, offset, width : float
        Between wires, of the first, and of a wire.
    area : float
        The least of a shape, um2; 0 if nothing says it.
    capacitance : float
        pF per um2 to what is below; 0 if nothing says it, as the next.
    edge_capacitance : float
        pF per um of each edge.
    """

    name: str
    is_horizontal: bool
    pitch: float
    offset: float
    width: float
    area: float
    capacitance: float
    edge_capacitance: float


@dataclass(frozen=True)
class Technology:
    """What a floorplan is on: layers from the lowest, the width of a site and height of a row, um."""

    layers: list
    site: str
    site_width: float
    row_height: float

    @property
    def pin_layers(self):
        """The layers of pins: a horizontal one, for the left and right edge, and a vertical one."""
        chosen = self.layers[PIN_LAYERS]
        if len(chosen) < 2:
            chosen = self.layers[-2:]
        return (next(layer for layer in chosen if layer.is_horizontal),
                next(layer for layer in chosen if not layer.is_horizontal))


@dataclass(frozen=True)
class Pin:
    """A pin of a cell: what it is for (``USE`` of LEF, or empty), and its shapes (layer, x0, y0, x1, y1), um."""

    use: str
    shapes: list


@dataclass(frozen=True)
class Abstract:
    """What a router sees of a cell: width and height, um, and pins by name."""

    width: float
    height: float
    pins: dict

    def center(self, pin):
        """Middle of the first shape of a pin, um from the lower left corner."""
        _, x0, y0, x1, y1 = self.pins[pin].shapes[0]
        return (x0 + x1) / 2, (y0 + y1) / 2

    def supply(self, use):
        """The pin of a supply, ``POWER`` or ``GROUND``; None if there is none."""
        return next((name for name, pin in self.pins.items() if pin.use == use), None)


@dataclass(frozen=True)
class Lef(Technology):
    """A technology with abstracts of its cells, by name."""

    cells: dict


def read_lef(path):
    """The `Lef` of one file; BadInput as `read_technology` and `read_abstracts` have it."""
    return Lef(**vars(read_technology([path], "LEF")), cells=read_abstracts(path, "LEF"))


def read_technology(paths, option="--technology"):
    """The technology in LEF files, which that option gave.

    Raises
    ------
    BadInput
        They are not LEF, are cut off, or have no site of rows or no layers of both directions for pins.
    """
    layers, sites = {}, {}
    for path in paths:
        for kind, name, words in _blocks(path, option):
            statements = _statements(words)
            try:
                if kind == "LAYER" and statements.get("TYPE") == ["ROUTING"]:
                    layers[name] = _layer(name, statements)
                elif kind == "SITE" and statements.get("CLASS") == ["CORE"] and "SIZE" in statements:
                    width, _, height = statements["SIZE"]
                    sites[name] = _positive(width), _positive(height)
            except (KeyError, IndexError, ValueError) as error:
                raise BadInput(f"{option} must have numbers and directions of its layers and sites, and "
                               f"{kind.lower()} {name} of {path} has not: {error}") from None
    found = ", ".join(map(str, paths))
    if not sites:
        raise BadInput(f"{option} must have the site of rows of cells, and {found} has none")
    chosen = list(layers.values())[PIN_LAYERS]
    chosen = chosen if len(chosen) == 2 else list(layers.values())[-2:]
    if {layer.is_horizontal for layer in chosen} != {True, False}:
        raise BadInput(f"{option} must have layers of wires of both directions, and {found} has not")
    # Of several sites that of single rows.
    site = min(sites, key=lambda name: sites[name][1])
    return Technology(list(layers.values()), site, *sites[site])


def _positive(word):
    value = float(word)
    if not 0 < value < 1e6:
        raise ValueError(f"{word} is not above 0")
    return value


def _layer(name, statements):
    direction = statements["DIRECTION"][0]
    if direction not in ("HORIZONTAL", "VERTICAL"):
        raise ValueError(f"direction {direction}")
    is_horizontal = direction == "HORIZONTAL"
    # Of two values the first is along x, between vertical wires.
    pitch, offset = (statements[key][-1 if is_horizontal else 0] if key in statements else None
                     for key in ("PITCH", "OFFSET"))
    if pitch is None:
        raise KeyError("PITCH")
    pitch = _positive(pitch)
    return Layer(name, is_horizontal, pitch, float(offset or pitch / 2), _positive(statements["WIDTH"][0]),
                 *(float(statements.get(key, ["0"])[-1]) for key in ("AREA", "CAPACITANCE", "EDGECAPACITANCE")))


def read_sizes(paths, option="--lef"):
    """Width and height of cells, um by name; BadInput if a file has none."""
    sizes = {}
    for path in paths:
        for name, words in _cells(path, option):
            if "SIZE" in words:
                sizes[name] = _sized(_size, words, option, path, name)
        if not sizes:
            raise BadInput(f"{option} must have macros with sizes, and {path} has none")
    return sizes


def read_abstracts(path, option="--lef"):
    """Abstracts of cells by name; BadInput if there is none, or one has no size or shapes that are no rectangles."""
    found = {name: _sized(_abstract, words, option, path, name) for name, words in _cells(path, option)}
    if not found:
        raise BadInput(f"{option} must have macros with sizes, and {path} has none")
    return found


def _cells(path, option):
    return ((name, words) for kind, name, words in _blocks(path, option) if kind == "MACRO")


def _sized(read, words, option, path, name):
    try:
        return read(words)
    except (ValueError, IndexError, StopIteration) as error:
        raise BadInput(f"{option} must have numbers of cells' sizes and pins, and macro {name} of {path} has not: "
                       f"{error}") from None


def _size(words):
    """Width and height, of ``SIZE width BY height``."""
    place = words.index("SIZE")
    return _positive(words[place + 1]), _positive(words[place + 3])


def _abstract(words):
    pins, place = {}, 0
    while "PIN" in words[place:]:
        place = words.index("PIN", place)
        name = words[place + 1]
        last = next(index for index in range(place + 2, len(words)) if words[index:index + 2] == ["END", name])
        pins[name] = _pin(words[place + 2:last])
        place = last + 2
    return Abstract(*_size(words), pins)


def _pin(words):
    layer, shapes = None, []
    for place, word in enumerate(words):
        if word == "LAYER":
            layer = words[place + 1]
        elif word == "RECT":
            shapes.append((layer, *map(float, words[place + 1:place + 5])))
    return Pin(words[words.index("USE") + 1] if "USE" in words else "", shapes)


def _blocks(path, option):
    """Kind, name and words of each layer, site and cell."""
    text = "\n".join(line.split("#")[0] for line in path.read_bytes().decode("latin-1").splitlines())
    # Strings may hold what looks like statements.
    words = "".join(text.split('"')[::2]).replace(";", " ; ").split()
    place = 0
    while place < len(words) and words[place:place + 2] != ["END", "LIBRARY"]:
        kind = words[place]
        end = ["END", *words[place + 1:place + 2]] if kind in NAMED else ["END", kind]
        if kind not in (*NAMED, *KEYWORDS):
            place = _find(words, [";"], place, path, option) + 1
            continue
        last = _find(words, end, place, path, option)
        if kind in ("LAYER", "SITE", "MACRO"):
            yield kind, end[1], words[place + 2:last]
        place = last + 2


def _find(words, wanted, place, path, option):
    kind = words[place]
    while words[place:place + len(wanted)] != wanted:
        try:
            place = words.index(wanted[0], place + 1)
        except ValueError:
            raise BadInput(f"{option} must be whole LEF files, and {path} ends within {kind}") from None
    return place


def _statements(words):
    """Statements by their first words; the first of several alike."""
    found, current = {}, []
    for word in words:
        if word == ";":
            if current:
                found.setdefault(current[0], current[1:])
            current = []
        else:
            current.append(word)
    return found
