"""Libraries of cells: functions, capacitances, delays and energies, all in the same units."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .functions import truth_table, variables

# Kinds of timing that delays are of.
DELAYS = ("combinational", "combinational_rise", "combinational_fall", "rising_edge", "falling_edge")


def grouped(items, key):
    """Items in lists, by key."""
    found = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


class Table:
    """A table of one or two axes; between its points, and beyond them, it is linear.

    Parameters
    ----------
    first, second : float array
        Points of the axes; an axis that the table does not have is one point.
    values : float array (first, second)
    """

    def __init__(self, first, second, values):
        self.first, self.second = np.asarray(first, float), np.asarray(second, float)
        self.values = np.asarray(values, float).reshape(len(first), len(second))
        self._rows = self.values.tolist()
        self._axes = self.first.tolist(), self.second.tolist()

    def at(self, first, second=0.0):
        """The value at a point."""
        row, across = _place(self._axes[0], first)
        column, along = _place(self._axes[1], second)
        rows = self._rows
        low = rows[row][column]
        if along:
            low += along * (rows[row][column + 1] - low)
        if not across:
            return low
        high = rows[row + 1][column]
        if along:
            high += along * (rows[row + 1][column + 1] - high)
        return low + across * (high - low)


def _place(points, value):
    """Index of the interval to interpolate in, and how far in it the value is."""
    if len(points) == 1:
        return 0, 0.0
    index = 0
    while index < len(points) - 2 and value > points[index + 1]:
        index += 1
    return index, (value - points[index]) / (points[index + 1] - points[index])


@dataclass(frozen=True)
class Arc:
    """Timing of a pin with regard to another.

    Attributes
    ----------
    pin, related : str
    kind : str
        ``timing_type`` of liberty; ``combinational`` where it says nothing.
    sense : str
        ``positive_unate``, ``negative_unate`` or ``non_unate``.
    tables : dict of str to Table
        By liberty's names; ns.
    """

    pin: str
    related: str
    kind: str
    sense: str
    tables: dict


@dataclass(frozen=True)
class Power:
    """Energy of a transition of a pin, pJ, where ``related`` is what caused it, if it matters, from one supply."""

    pin: str
    related: str | None
    supply: str
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Storage:
    """What a cell keeps: ``ff`` or ``latch``, the function of its clock or enable, and of its data."""

    kind: str
    clock: str
    data: str
    state: str
    complement: str
    is_asynchronous: bool


@dataclass
class Cell:
    """A cell of a library.

    Attributes
    ----------
    name : str
    area : float
        um2, as the file or LEF says.
    leakage : float
        nW.
    inputs : dict of str to float
        Capacitance of each input, pF.
    outputs : dict of str to str
        Function of each output, liberty's text; without outputs that have none, or empty if no output has one.
    max_loads : dict of str to float
        pF of each output that says it.
    clock_gate : str
        Liberty's ``clock_gating_integrated_cell``; empty for all other cells.
    dont_use : bool
        Logic synthesis must not choose it.
    is_excluded : bool
        The user wants it for no purpose, so that it is no adder and no clock gate either.
    """

    name: str
    area: float
    leakage: float
    inputs: dict
    outputs: dict
    max_loads: dict
    storage: Storage | None
    clock_gate: str
    dont_use: bool
    group: object = field(repr=False)
    reader: object = field(repr=False)
    is_excluded: bool = False

    @cached_property
    def arcs(self):
        """Its `Arc`s; those of one pin, related pin, kind and sense that differ by state are all there.

        BadInput if a delay has no slew with it, or an output no delay.
        """
        with self.reader.numbers_of(f"cell {self.name}"):
            arcs = self.reader.arcs(self.group)
            timed = {(arc.pin, edge) for arc in arcs for edge in ("rise", "fall") if _has_delay(arc, edge)}
            for pin in self.outputs if self.inputs and not self.clock_gate else ():
                for edge in ("rise", "fall"):
                    if (pin, edge) not in timed:
                        raise ValueError(f"its output {pin} has no cell_{edge}")
        return arcs

    @cached_property
    def powers(self):
        """Its `Power`s."""
        with self.reader.numbers_of(f"cell {self.name}"):
            return self.reader.powers(self.group)

    @cached_property
    def tables(self):
        """Truth table of each output over all inputs in order; none for what storage keeps or what has no function."""
        return {pin: truth_table(text, list(self.inputs)) for pin, text in self.outputs.items()
                if text and not self.storage and not self.clock_gate and set(variables(text)) <= set(self.inputs)}

    @property
    def is_buffer(self):
        """One input, which its one output repeats."""
        return len(self.inputs) == 1 and list(self.tables.values()) == [0b10]

    @property
    def is_inverter(self):
        """One input, which its one output complements."""
        return len(self.inputs) == 1 and list(self.tables.values()) == [0b01]

    def pin_of(self, table):
        """The output with this truth table, and whether it is complemented; None if there is none."""
        every = (1 << (1 << len(self.inputs))) - 1
        return next(((pin, own != table) for pin, own in self.tables.items() if own in (table, table ^ every)), None)


def _has_delay(arc, edge):
    """Whether it delays such an edge of its pin; ValueError if it does and has no slew."""
    if arc.kind not in DELAYS or f"cell_{edge}" not in arc.tables:
        return False
    if f"{edge}_transition" not in arc.tables:
        raise ValueError(f"its output {arc.pin} has a cell_{edge} without {edge}_transition")
    return True


@dataclass
class Library:
    """Cells of one or several liberty files of the same corner.

    Attributes
    ----------
    name : str
    voltage : float
        V.
    temperature : float
        Degrees Celsius.
    process : float
    corner : str
        Name of the operating conditions.
    thresholds : dict of str to str
        What delays and slews are measured between, as the first file has it.
    cells : dict of str to Cell
    texts : dict of str to str
        The files, by names for Yosys.
    """

    name: str
    voltage: float
    temperature: float
    process: float
    corner: str
    thresholds: dict
    cells: dict
    texts: dict = field(repr=False)

    @property
    def usable(self):
        """Cells that synthesis may choose."""
        return [cell for cell in self.cells.values() if not cell.dont_use]
