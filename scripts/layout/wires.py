"""Routed wires as loads: capacitance and resistance by length and the numbers in LEF."""

from dataclasses import dataclass

from ..asic.loads import Loads


@dataclass(frozen=True)
class Electrical:
    """What a net's wires are: pF to ground, ohm from one end to the other if they were one line."""

    capacitance: float
    resistance: float


def electrical(wires, lef):
    """The `Electrical` of a net; vias and what lies beside a wire count for nothing, LEF has no numbers for them."""
    capacitance = resistance = 0.0
    for layer in lef.layers:
        length = wires.lengths.get(layer.name, 0.0)
        capacitance += length * (layer.width * layer.capacitance + 2 * layer.edge_capacitance)
        resistance += length / layer.width * layer.resistance
    return Electrical(capacitance, resistance)


def routed_loads(netlist, names, routed):
    """The `Loads` of a netlist with routed wires.

    Parameters
    ----------
    netlist : Netlist
    names : Names
    routed : dict of str to Electrical
    """
    loads = Loads(netlist, 0.0)
    for net in range(2, netlist.nets):
        if names.nets[net] in routed:
            loads.wires[net] = routed[names.nets[net]].capacitance
    return loads
