"""Delay of routed wires: Elmore's, over the trees of resistance and capacitance that qrouter writes of its nets."""

from dataclasses import dataclass, replace

from .names import Names


@dataclass(frozen=True)
class Segment:
    """A piece of wire: ohm, pF, and the pins at its far end; ``parent`` is the index of what comes before, or None."""

    parent: int | None
    resistance: float
    capacitance: float
    pins: list


@dataclass(frozen=True)
class Arrival:
    """ps from the driver of a net to the first and to the last of its pins."""

    first: float
    last: float


def read_trees(text):
    """The `Segment` list of each net, by name; what comes before a segment stands before it.

    A line is ``NET n DRIVER n`` and a tree, ``( ohm pF PIN , ( ohm pF PIN ) , ... )``, with spaces between all of them.
    """
    trees = {}
    for line in text.splitlines():
        head, is_tree, tree = line.partition("(")
        if is_tree:
            trees[head.split()[0]] = _segments(iter([is_tree, *tree.split()]))
    return trees


def _segments(tokens):
    """A loop and no recursion: a clock may be a chain of thousands of segments."""
    segments, above = [], []
    for token in tokens:
        if token == "(":
            parent = above[-1] if above else None
            above.append(len(segments))
            segments.append(Segment(parent, float(next(tokens)), float(next(tokens)), []))
        elif token == ")":
            above.pop()
        elif token != ",":
            segments[above[-1]].pins.append(token)
    return segments


def arrival(segments, pin_capacitance):
    """The `Arrival` of a net.

    Parameters
    ----------
    segments : list of Segment
    pin_capacitance : function
        pF of a pin, by the name that the tree has for it.
    """
    loads = [each.capacitance + sum(map(pin_capacitance, each.pins)) for each in segments]
    for index in range(len(segments) - 1, -1, -1):
        if segments[index].parent is not None:
            loads[segments[index].parent] += loads[index]
    delays, at_pins = [], []
    for each, load in zip(segments, loads):
        before = 0.0 if each.parent is None else delays[each.parent]
        # Half of the wire's own capacitance is before its resistance; ohm times pF is ps.
        delays.append(before + each.resistance * (load - each.capacitance / 2))
        at_pins += [delays[-1]] * len(each.pins)
    return Arrival(min(at_pins, default=0.0), max(at_pins, default=0.0))


def scaled(segments, total):
    """Segments with a capacitance of the wires in all, pF: qrouter counts one edge of a wire, and each has two."""
    factor = total / (sum(each.capacitance for each in segments) or 1.0)
    return [replace(each, capacitance=each.capacitance * factor) for each in segments]


def arrivals(netlist, text, capacitances):
    """The `Arrival` of each net that qrouter has a tree of, by name, with the liberty's capacitances of pins.

    It has none of some nets from a pin of the layout to a single cell.

    Parameters
    ----------
    netlist : Netlist
    text : str
        As qrouter writes it.
    capacitances : dict of str to float
        pF of the wires of each net.
    """
    instances = dict(zip(Names(netlist).cells, netlist.instances))

    def capacitance(pin):
        cell, _, name = pin.partition("/")
        return instances[cell].cell.inputs.get(name, 0.0) if cell in instances else 0.0

    return {net: arrival(scaled(segments, capacitances[net]), capacitance)
            for net, segments in read_trees(text).items() if net in capacitances}
