"""What cells, nets and pins of a layout are called: names that all tools take as they are."""

POWER_NET, GROUND_NET = "vdd", "gnd"
# Net 0 of a netlist is the constant 0.
CONSTANTS = {0: GROUND_NET, 1: POWER_NET}


class Names:
    """Names of a netlist's cells, nets and pins.

    Parameters
    ----------
    netlist : Netlist

    Attributes
    ----------
    cells : list of str
        By index of the instance.
    pins : dict of str to int
        Net of each pin of the layout: a bit ``i`` of port ``p`` is called ``p_i``.
    nets : dict of int to str
        A net with a pin is called as its pin.
    left_out : list of str
        Bits of ports without a pin of their own: they are constant, or the same net as another bit.
    """

    def __init__(self, netlist):
        self.cells = [f"c{index}" for index in range(len(netlist.instances))]
        self.pins, self.left_out, self.nets = {}, [], dict(CONSTANTS)
        for port, (_, bits) in netlist.ports.items():
            for bit, net in enumerate(bits):
                name = f"{port}_{bit}" if len(bits) > 1 else port
                if net in self.nets:
                    self.left_out.append(name)
                else:
                    self.nets[net], self.pins[name] = name, net
        for net in range(netlist.nets):
            self.nets.setdefault(net, f"n{net}")


def terminals(netlist):
    """The pins of cells on each net, as (index of the instance, pin), by net, the driver first."""
    found = {}
    for index, instance in enumerate(netlist.instances):
        for pin, net in instance.pins.items():
            place = found.setdefault(net, [])
            place.insert(0 if pin not in instance.cell.inputs else len(place), (index, pin))
    return found
