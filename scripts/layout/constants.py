"""Cells with constant inputs, in terms of cells without: where there are no tie cells, nothing drives constants."""

import itertools

from ..asic.netlist import Instance
from ..common.tools import FlowError


def without_constants(netlist, library, roles):
    """Replace each cell that has constant inputs by smaller ones that compute the same, output by output.

    Parameters
    ----------
    netlist : Netlist
        Is changed.
    library : Library
    roles : Roles

    Returns
    -------
    int
        How many cells were replaced.

    Raises
    ------
    FlowError
        There is no cell, with inverters at its inputs if need be, that does.
    """
    gates = sorted((cell for cell in library.usable if len(cell.outputs) == len(cell.tables) == 1),
                   key=lambda cell: cell.area)
    kept, replaced = [], 0
    for instance in netlist.instances:
        if all(instance.pins[pin] > 1 for pin in instance.cell.inputs):
            kept.append(instance)
            continue
        if not instance.cell.tables:
            raise FlowError(f"a cell that stores must have no constant inputs in a layout, and {instance.name} has one")
        replaced += 1
        for output, table in instance.cell.tables.items():
            if output in instance.pins:
                kept += _instead(netlist, instance, output, table, gates, roles.inverter)
    netlist.instances[:] = kept
    return replaced


def restricted(table, nets):
    """A truth table without its constant inputs (nets 0 and 1), and the nets that it then depends on, each once."""
    free = list(dict.fromkeys(net for net in nets if net > 1))
    result = _over(table, nets, free)
    for net in list(free):
        fewer = [other for other in free if other != net]
        if _over(table, [0 if other == net else other for other in nets], fewer) == \
                _over(table, [1 if other == net else other for other in nets], fewer):
            nets, free = [0 if other == net else other for other in nets], fewer
            result = _over(table, nets, free)
    return result, free


def _over(table, nets, free):
    """The values of a truth table over some of its nets, the others being constants."""
    result = 0
    for place in range(1 << len(free)):
        values = {0: 0, 1: 1, **{net: place >> index & 1 for index, net in enumerate(free)}}
        row = sum(values[net] << index for index, net in enumerate(nets))
        result |= (table >> row & 1) << place
    return result


def _instead(netlist, instance, output, table, gates, inverter):
    """The cells that drive an output in place of an instance."""
    table, free = restricted(table, [instance.pins[pin] for pin in instance.cell.inputs])
    for count in range(len(free) + 1):
        for inverted in itertools.combinations(range(len(free)), count):
            # Place i of the table seen from behind the inverters.
            flip = sum(1 << index for index in inverted)
            seen = sum((table >> (place ^ flip) & 1) << place for place in range(1 << len(free)))
            for cell in gates:
                order = _order(cell, seen, len(free))
                if order is not None:
                    return _built(netlist, instance, output, cell, [free[index] for index in order],
                                  {free[index] for index in inverted}, inverter)
    raise FlowError(f"cells with constant inputs must have others in their place, and {instance.cell.name} of "
                    f"{instance.name} has none")


def _order(cell, table, count):
    """Which input of a table each input of a cell is, if the cell computes it."""
    if len(cell.inputs) != count:
        return None
    (own,) = cell.tables.values()
    for order in itertools.permutations(range(count)):
        moved = sum((table >> sum((place >> index & 1) << order[index] for index in range(count)) & 1) << place
                    for place in range(1 << count))
        if moved == own:
            return order
    return None


def _built(netlist, instance, output, cell, nets, inverted, inverter):
    made = []
    for net in sorted(inverted):
        behind, netlist.nets = netlist.nets, netlist.nets + 1
        (pin,), (out,) = inverter.inputs, inverter.outputs
        made.append(Instance(f"{instance.name}_not{len(made)}_{output}", inverter, {pin: net, out: behind},
                             instance.block))
        nets = [behind if each == net else each for each in nets]
    (out,) = cell.outputs
    pins = dict(zip(cell.inputs, nets)) | {out: instance.pins[output]}
    return [*made, Instance(f"{instance.name}_{output}", cell, pins, instance.block)]
