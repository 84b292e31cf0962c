"""Reads the cells of liberty files."""

import contextlib
import itertools
import re
from dataclasses import dataclass

import numpy as np

from ...common.files import BadInput
from .liberty_text import Group, number, numbers, parse, read_text, unquoted
from .library import Arc, Cell, Library, Power, Storage, Table, grouped

SCALES = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}
# What a table's axes may be, and their order here: of delays and energies slew, then load; of constraints the slew of
# the data, then that of the clock.
FIRST = {"input_net_transition", "input_transition_time", "constrained_pin_transition"}
SECOND = {"total_output_net_capacitance", "related_pin_transition"}

# Groups of tables, by the kind of their templates; two templates of different kinds may have one name.
TEMPLATES = {"power_lut_template": ("power", "rise_power", "fall_power"),
             "lu_table_template": ("cell_rise", "cell_fall", "rise_transition", "fall_transition", "rise_constraint",
                                   "fall_constraint")}

# What delays and slews of a library are measured between.
THRESHOLD, DERATE = "_threshold_pct_", "slew_derate_from_library"

# Cells of known libraries that are for other purposes than logic, as the flows of these libraries have it.
DONT_USE = {
    "sky130_fd_sc_hd": ("*__probe*", "*__lpflow_*"),
    "asap7": ("*x1p*", "*xp*", "SDF*", "ICG*", "DFFLQN*"),
    "sg13g2": ("*_lgcp_*", "*_sighold*", "*_slgcp_*"),
}


@dataclass(frozen=True)
class Units:
    """Of a file, in SI units."""

    time: float
    capacitance: float
    voltage: float
    leakage: float


class _Reader:
    """Reads one library group."""

    def __init__(self, library, path):
        self.path = path
        self.library = library
        with self.numbers_of("the head"):
            self.units = self._units(library.values)
        self.templates = {kind: {group.arguments[0]: group for group in library.of(kind)} for kind in TEMPLATES}

    @contextlib.contextmanager
    def numbers_of(self, place):
        """BadInput, which names the place, for a ValueError."""
        try:
            yield
        except ValueError as error:
            raise BadInput(f"--liberty must have numbers where they belong, and {place} of {self.path} does not: "
                           f"{error}") from None

    def _units(self, values):
        def unit(key, default, symbol):
            text = values.get(key, default).strip('"')
            match = re.fullmatch(rf"\s*([\d.]+)\s*([a-z]?){symbol}\s*", text, re.IGNORECASE)
            if not match or match[2].lower() not in SCALES:
                raise BadInput(f"--liberty must have a {key} such as {default}, and {self.path} has {text}")
            return number(match[1]) * SCALES[match[2].lower()]

        load = unquoted(values.get("capacitive_load_unit", "1,pf")).split(",")
        match = re.fullmatch(r"\s*\"?([a-z]?)f\"?\s*", load[-1], re.IGNORECASE)
        if len(load) != 2 or not match:
            raise BadInput(f"--liberty must have a capacitive_load_unit such as 1,pf, and {self.path} has "
                           f"{','.join(load)}")
        return Units(unit("time_unit", "1ns", "s"), number(load[0].strip(' "')) * SCALES[match[1].lower()],
                     unit("voltage_unit", "1V", "V"), unit("leakage_power_unit", "1nW", "W"))

    def cells(self):
        """All cells, by name."""
        found = {}
        for group in self.library.of("cell"):
            with self.numbers_of(f"cell {group.arguments[0]}"):
                found[group.arguments[0]] = self._cell(group)
        return found

    def _cell(self, group):
        load = self.units.capacitance * 1e12
        inputs, outputs, max_loads = {}, {}, {}
        for pin in self._pins(group):
            (name,), values = pin.arguments, pin.values
            if values.get("direction") == "input":
                inputs[name] = self._capacitance(values) * load
            elif values.get("direction") == "output":
                outputs[name] = values.get("function") or values.get("state_function", "")
            if "max_capacitance" in values:
                max_loads[name] = number(values["max_capacitance"]) * load
        if any(outputs.values()):
            outputs = {name: text for name, text in outputs.items() if text}
        return Cell(group.arguments[0], number(group.values.get("area", 0)), self._leakage(group), inputs, outputs,
                    max_loads, self._storage(group), group.values.get("clock_gating_integrated_cell", ""),
                    group.values.get("dont_use") == "true", group, self)

    def _pins(self, cell):
        """The pins of a cell, those of buses bit by bit with what the bus says of all."""
        for group in cell.of("pin", "bus"):
            if group.kind == "pin":
                yield group
                continue
            own = {pin.arguments[0]: pin for pin in group.of("pin")}
            for name in self._bits(group):
                one = own.get(name, Group("pin", [name]))
                yield Group("pin", [name], group.values | one.values, group.of("timing", "internal_power") + one.groups)

    def _bits(self, bus):
        """Names of the bits of a bus, the lowest first."""
        (name,), kind = bus.arguments, bus.values.get("bus_type")
        ends = [int(group.values.get(end, "")) for group in self.library.of("type") if group.arguments == [kind]
                for end in ("bit_from", "bit_to")]
        if not ends:
            raise ValueError(f"the bus_type of {name} is not there")
        return [f"{name}[{index}]" for index in range(min(ends), max(ends) + 1)]

    def _related(self, cell):
        """A function that gives the pins which a timing or an energy is related to, those of buses bit by bit."""
        buses = {bus.arguments[0]: self._bits(bus) for bus in cell.of("bus")}
        return lambda group: [pin for name in group.values.get("related_pin", "").split()
                              for pin in buses.get(name, [name])]

    def _leakage(self, group):
        """nW of a cell over all supplies: as it says for all states, and else the mean of those that it tells apart."""
        total = number(group.values.get("cell_leakage_power", 0))
        if "cell_leakage_power" not in group.values:
            supplies = grouped(group.of("leakage_power"), lambda power: power.values.get("related_pg_pin"))
            for powers in supplies.values():
                whole = [power for power in powers if "when" not in power.values]
                values = [number(power.values.get("value", 0)) for power in whole or powers]
                total += sum(values) / (1 if whole else len(values))
        return total * self.units.leakage * 1e9

    @staticmethod
    def _capacitance(values):
        """Of an input, in the file's unit; the mean of rising and falling where there is no other."""
        if "capacitance" in values:
            return number(values["capacitance"])
        edges = [number(values[key]) for key in ("rise_capacitance", "fall_capacitance") if key in values]
        return sum(edges) / len(edges) if edges else float(0)

    @staticmethod
    def _storage(group):
        for storage in group.of("ff", "latch"):
            values = storage.values
            clock, data = ("clocked_on", "next_state") if storage.kind == "ff" else ("enable", "data_in")
            if clock in values and data in values and len(storage.arguments) == 2:
                return Storage(storage.kind, values[clock], values[data], *storage.arguments,
                               "clear" in values or "preset" in values)
        return None

    def _table(self, group, scale):
        """A table, its axes in ns and pF, its values times ``scale``; ValueError if it is none."""
        if "values" not in group.values:
            raise ValueError(f"{group.kind} has no values")
        template = self._template(group)
        values = numbers(group.values["values"])
        axes = []
        for axis in (1, 2):
            variable = template.values.get(f"variable_{axis}") if template else None
            index = group.values.get(f"index_{axis}") or (template and template.values.get(f"index_{axis}"))
            if variable and index:
                unit = 1e12 * self.units.capacitance if "capacitance" in variable else 1e9 * self.units.time
                points = [point * unit for point in numbers(index)]
                if any(one >= two for one, two in itertools.pairwise(points)):
                    raise ValueError(f"the points of index_{axis} of {group.kind} do not grow")
                axes.append((variable, points))
        shape = [len(points) for _, points in axes]
        if not values or int(np.prod(shape, dtype=int)) != len(values):
            raise ValueError(f"{group.kind} has {len(values)} values at {' x '.join(map(str, shape)) or 1} points")
        array = np.array(values).reshape(shape) * scale
        if len(axes) == 2 and axes[0][0] in SECOND and axes[1][0] in FIRST:
            axes, array = axes[::-1], array.T
        if len(axes) == 1 and axes[0][0] in SECOND:
            return Table([0.0], axes[0][1], array[None])
        points = [points for _, points in axes] + [[0.0]] * (2 - len(axes))
        return Table(*points, array)

    def _template(self, group):
        """The template of a table: of its own kind, and of the other only if that has none of the name."""
        kinds = sorted(TEMPLATES, key=lambda kind: group.kind not in TEMPLATES[kind])
        return next((self.templates[kind][group.arguments[0]] for kind in kinds
                     if group.arguments[0] in self.templates[kind]), None)

    def arcs(self, cell):
        """The timing of a cell."""
        found, related_to = [], self._related(cell)
        for pin in self._pins(cell):
            for timing in pin.of("timing"):
                tables = {group.kind: self._table(group, 1e9 * self.units.time) for group in timing.groups
                          if group.kind in TEMPLATES["lu_table_template"]}
                values = timing.values
                found += [Arc(pin.arguments[0], related, values.get("timing_type", "combinational"),
                              values.get("timing_sense", "non_unate"), tables)
                          for related in related_to(timing)]
        return found

    def powers(self, cell):
        """The internal energy of a cell; its unit is that of capacitance times that of voltage squared."""
        scale = self.units.capacitance * self.units.voltage**2 * 1e12
        found, related_to = [], self._related(cell)
        for pin in self._pins(cell):
            for power in pin.of("internal_power"):
                both = power.of("power")
                tables = {edge: self._table(group, scale) for edge in ("rise", "fall")
                          for group in power.of(f"{edge}_power") or both}
                if tables:
                    none = Table([0.0], [0.0], [[0.0]])
                    found += [Power(pin.arguments[0], related, power.values.get("related_pg_pin", ""),
                                    tables.get("rise", none), tables.get("fall", none))
                              for related in related_to(power) or [None]]
        return found


# What a corner is: the value where a file says nothing, and how it is printed.
CORNER = {"voltage": (1, "{:g} V"), "temperature": (25, "{:g} C"), "process": (1, "process {:g}")}


def read_library(paths, dont_use=()):
    """The cells of liberty files.

    Parameters
    ----------
    paths : list of Path
        Of one corner; may be compressed by gzip.
    dont_use : iterable of str
        Patterns of names of cells that nothing may be made of, with ``*`` and ``?``.

    Returns
    -------
    Library

    Raises
    ------
    BadInput
        A file is not liberty, is not complete, or is of another voltage, temperature or process than the first.
    """
    libraries = []
    for index, path in enumerate(paths):
        text = read_text(path)
        reader = _Reader(parse(text, path), path)
        values = reader.library.values
        conditions = _conditions(reader.library)
        with reader.numbers_of("the head"):
            corner = [number(conditions.get(name, values.get(f"nom_{name}", default)))
                      for name, (default, _) in CORNER.items()]
        libraries.append(Library(reader.library.arguments[0], *corner, conditions.get("name", "nominal"),
                                 {name: values[name] for name in values if THRESHOLD in name or name == DERATE},
                                 reader.cells(), {f"cells_{index}.lib": text}))
    first = libraries[0]
    for path, other in zip(paths[1:], libraries[1:]):
        for name, (_, unit) in CORNER.items():
            one, two = getattr(first, name), getattr(other, name)
            if one != two:
                raise BadInput(f"--liberty must be files of one corner, and {paths[0]} has {unit.format(one)} and "
                               f"{path} {unit.format(two)}")
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first.name, other.name))
        first.name = "".join(letter for letter, _ in same).strip("_") or first.name
        first.cells.update(other.cells)
        first.texts.update(other.texts)
    if not first.cells:
        raise BadInput(f"--liberty must have cells, and {paths[0]} has none")
    usual = [pattern for start, patterns in DONT_USE.items() if first.name.startswith(start) for pattern in patterns]
    for name, cell in first.cells.items():
        cell.is_excluded = _matches(name, dont_use)
        cell.dont_use |= cell.is_excluded or _matches(name, usual)
    return first


def _matches(name, patterns):
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name) for pattern in patterns)


def _conditions(library):
    """Name, voltage and temperature of the default operating conditions, as far as the file has them."""
    named = {group.arguments[0]: group for group in library.of("operating_conditions")}
    name = library.values.get("default_operating_conditions") or next(iter(named), None)
    return {"name": name, **named[name].values} if name in named else {}
