"""Layers of wires and the site of a technology, from its LEF."""

from dataclasses import dataclass

from ...common.files import BadInput

# Blocks that end with their name, and that end with their own keyword.
NAMED = ("LAYER", "VIA", "VIARULE", "SITE", "MACRO", "NONDEFAULTRULE", "ARRAY")
KEYWORDS = ("UNITS", "PROPERTYDEFINITIONS", "SPACING", "NOISETABLE", "CORRECTIONTABLE")
# Of the layers for wires, pins are on these, counted from 0: below are those of the cells' own pins and wires.
PIN_LAYERS = slice(2, 4)


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
    """

    name: str
    is_horizontal: bool
    pitch: float
    offset: float
    width: float
    area: float


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


def read_technology(paths):
    """The technology in LEF files.

    Raises
    ------
    BadInput
        They are not LEF, are cut off, or have no site of rows or no layers of both directions for pins.
    """
    layers, sites = {}, {}
    for path in paths:
        for kind, name, statements in _blocks(path):
            try:
                if kind == "LAYER" and statements.get("TYPE") == ["ROUTING"]:
                    layers[name] = _layer(name, statements)
                elif kind == "SITE" and statements.get("CLASS") == ["CORE"] and "SIZE" in statements:
                    width, _, height = statements["SIZE"]
                    sites[name] = _positive(width), _positive(height)
            except (KeyError, IndexError, ValueError) as error:
                raise BadInput(f"--technology must have numbers and directions of its layers and sites, and "
                               f"{kind.lower()} {name} of {path} has not: {error}") from None
    found = ", ".join(map(str, paths))
    if not sites:
        raise BadInput(f"--technology must have the site of rows of cells, and {found} has none")
    chosen = list(layers.values())[PIN_LAYERS]
    chosen = chosen if len(chosen) == 2 else list(layers.values())[-2:]
    if {layer.is_horizontal for layer in chosen} != {True, False}:
        raise BadInput(f"--technology must have layers of wires of both directions, and {found} has not")
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
                 float(statements.get("AREA", ["0"])[0]))


def _blocks(path):
    """Kind, name and statements of each named block, but those of cells; the first of several alike."""
    text = "\n".join(line.split("#")[0] for line in path.read_bytes().decode("latin-1").splitlines())
    # Strings may hold what looks like statements.
    words = "".join(text.split('"')[::2]).replace(";", " ; ").split()
    place = 0
    while place < len(words) and words[place:place + 2] != ["END", "LIBRARY"]:
        kind = words[place]
        end = ["END", *words[place + 1:place + 2]] if kind in NAMED else ["END", kind]
        if kind not in (*NAMED, *KEYWORDS):
            place = _find(words, [";"], place, path) + 1
            continue
        last = _find(words, end, place, path)
        if kind in ("LAYER", "SITE"):
            yield kind, end[1], _statements(words[place + 2:last])
        place = last + 2


def _find(words, wanted, place, path):
    kind = words[place]
    while words[place:place + len(wanted)] != wanted:
        try:
            place = words.index(wanted[0], place + 1)
        except ValueError:
            raise BadInput(f"--technology must be whole LEF files, and {path} ends within {kind}") from None
    return place


def _statements(words):
    found, current = {}, []
    for word in words:
        if word == ";":
            if current:
                found.setdefault(current[0], current[1:])
            current = []
        else:
            current.append(word)
    return found
