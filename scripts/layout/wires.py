"""Routed wires as loads: capacitance by length and the numbers in LEF."""

from ..asic.loads import Loads


def capacitance(wires, lef):
    """pF to ground of a net's wires; vias and neighbors count for nothing, LEF has no numbers for them."""
    return sum(wires.lengths.get(layer.name, 0.0) * (layer.width * layer.capacitance + 2 * layer.edge_capacitance)
               for layer in lef.layers)


def routed_loads(netlist, names, routed):
    """The `Loads` of a netlist with routed wires.

    Parameters
    ----------
    netlist : Netlist
    names : Names
    routed : dict of str to float
        pF of each net that has wires.
    """
    loads = Loads(netlist, 0.0)
    for net in range(2, netlist.nets):
        loads.wires[net] = routed.get(names.nets[net], loads.wires[net])
    return loads
