"""LEF: layers that wires are routed on, and abstracts of cells."""

from dataclasses import dataclass, field

from ..common.files import BadInput

POWER, GROUND = "POWER", "GROUND"


@dataclass(frozen=True)
class Layer:
    """A layer of wires.

    Attributes
    ----------
    name : str
    is_horizontal : bool
        The direction that wires prefer.
    pitch, width : float
        um.
    capacitance : float
        pF per um2 to what is below.
    edge_capacitance : float
        pF per um of each edge.
    """

    name: str
    is_horizontal: bool
    pitch: float
    width: float
    capacitance: float
    edge_capacitance: float


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
class Lef:
    """A file: layers from the lowest, abstracts by name of the cell, width of the site that cells are placed on, um."""

    layers: list
    cells: dict
    site: float = field(default=0.0)


class _Words:
    """The words of a file, one after the other."""

    def __init__(self, path):
        text = path.read_bytes().decode("latin-1")
        self.path = path
        self._words = iter([word for line in text.splitlines() for word in line.split("#")[0].split()])

    def next(self):
        """The next word; BadInput at the end."""
        for word in self._words:
            return word
        raise BadInput(f"LEF must be complete, and {self.path} ends too early")

    def __iter__(self):
        return self._words

    def statement(self, first):
        """The words from the first one to a semicolon, which is left out."""
        words = []
        word = first
        while word != ";":
            words.append(word)
            word = self.next()
        return words

    def section(self, has_name=True):
        """The statements up to ``END`` and a name, by their first words; the last one of each counts."""
        found = {}
        while (word := self.next()) != "END":
            words = self.statement(word)
            if words:
                found[words[0]] = words[1:]
        if has_name:
            self.next()
        return found


def read_lef(path):
    """Layers and cells of a LEF file.

    Raises
    ------
    BadInput
        It ends too early, has numbers that are none, or no layer or cell.
    """
    words, layers, cells, sites = _Words(path), [], {}, []
    try:
        for word in words:
            if word == "LAYER":
                name = words.next()
                values = words.section()
                if values.get("TYPE") == ["ROUTING"]:
                    layers.append(_layer(name, values))
            elif word == "SITE":
                words.next()
                sites.append(float(words.section()["SIZE"][0]))
            elif word == "MACRO":
                name = words.next()
                cells[name] = _cell(words)
            elif word in ("VIA", "VIARULE"):
                words.next()
                words.section()
            elif word in ("UNITS", "PROPERTYDEFINITIONS"):
                words.section()
            elif word == "END":
                words.next()
            else:
                words.statement(word)
    except (ValueError, KeyError, IndexError) as error:
        raise BadInput(f"LEF must have numbers where they belong, and {path} does not: {error}") from None
    if not layers or not cells or not sites:
        raise BadInput(f"LEF must have layers, a site and cells, and {path} does not")
    return Lef(layers, cells, sites[0])


def _layer(name, values):
    pitch, width = (float(values[key][-1]) for key in ("PITCH", "WIDTH"))
    if not (pitch > 0 and width > 0):
        raise ValueError(f"pitch {pitch:g}, width {width:g}")
    return Layer(name, values["DIRECTION"] == ["HORIZONTAL"], pitch, width, *(
        float(values[key][-1]) if key in values else 0.0 for key in ("CAPACITANCE", "EDGECAPACITANCE")))


def _cell(words):
    """An abstract, behind the name of its macro."""
    size, pins = (0.0, 0.0), {}
    while (word := words.next()) != "END":
        if word == "PIN":
            name = words.next()
            pins[name] = _pin(words)
        elif word == "OBS":
            words.section(has_name=False)
        else:
            statement = words.statement(word)
            if statement[0] == "SIZE":
                size = float(statement[1]), float(statement[3])
    words.next()
    return Abstract(*size, pins)


def _pin(words):
    use, shapes, layer = "", [], None
    while (word := words.next()) != "END":
        if word == "PORT":
            while (word := words.next()) != "END":
                statement = words.statement(word)
                if statement[0] == "LAYER":
                    layer = statement[1]
                elif statement[0] == "RECT":
                    shapes.append((layer, *map(float, statement[1:5])))
        else:
            statement = words.statement(word)
            if statement[0] == "USE":
                use = statement[1]
    words.next()
    return Pin(use, shapes)
