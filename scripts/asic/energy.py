"""Energy of a simulated netlist: capacitances times toggles, the library's internal energy, leakage."""

from collections import defaultdict
from dataclasses import dataclass

from .cells.functions import variables
from .cells.library import grouped

# Kinds of energy, and what each is.
KINDS = {
    "pins": "charging the input pins of cells",
    "wires": "charging wires",
    "internal": "inside cells when an input or output changes",
    "clock": "pins of the clock, their wires, and what they cost inside cells",
    "leakage": "leaking for as long as it takes",
}
NONE = dict.fromkeys(KINDS, 0.0)


@dataclass(frozen=True)
class Energy:
    """pJ by kind of block and kind of energy."""

    blocks: dict

    def total(self):
        """pJ of everything."""
        return sum(sum(kinds.values()) for kinds in self.blocks.values())

    def kinds(self):
        """pJ by kind of energy."""
        return {kind: sum(kinds[kind] for kinds in self.blocks.values()) for kind in KINDS}

    def __add__(self, other):
        return Energy({block: {kind: self.blocks.get(block, NONE)[kind] + other.blocks.get(block, NONE)[kind]
                               for kind in KINDS} for block in {**self.blocks, **other.blocks}})

    def divided(self, count):
        """The same for each of ``count``."""
        return Energy({block: {kind: value / count for kind, value in kinds.items()}
                       for block, kinds in self.blocks.items()})


def measure(netlist, timing, activity, voltage, period):
    """The `Energy` of what a simulation saw.

    A net that an input port drives counts for the blocks of the pins on it; any other for the block that drives it.

    Parameters
    ----------
    netlist : Netlist
    timing : Timing
    activity : Activity
    voltage : float
        V.
    period : float
        ns.
    """
    blocks = defaultdict(NONE.copy)
    drivers, loads, read = netlist.drivers(), timing.loads, netlist.sinks()
    for net in drivers.keys() - read.keys():
        # An output of the design, to whose pin a routed wire leads.
        blocks[drivers[net][0].block]["wires"] += activity.toggles[net] * voltage**2 / 2 * loads.wires[net]
    for net, sinks in read.items():
        toggles = activity.toggles[net]
        if not toggles or net < 2:
            continue
        each = toggles * voltage**2 / 2
        wire = loads.wires[net] / len(sinks)
        for instance, pin in sinks:
            block = blocks[drivers[net][0].block if net in drivers and net not in timing.clocks else instance.block]
            if net in timing.clocks:
                block["clock"] += each * (instance.cell.inputs[pin] + wire)
            else:
                block["pins"] += each * instance.cell.inputs[pin]
                block["wires"] += each * wire
    for instance, kind, energy in _inside(netlist, timing, activity):
        blocks[instance.block][kind] += energy
    for instance in netlist.instances:
        # nW times ns is 1e-6 pJ.
        blocks[instance.block]["leakage"] += instance.cell.leakage * period * activity.cycles * 1e-6
    return Energy(dict(blocks))


def of_ports(netlist, timing, activity, voltage):
    """pJ that the drivers of input ports, the clock's among them, charge pins and wires of their nets with."""
    return sum(activity.toggles[net] * voltage**2 / 2 * timing.loads.of(net) for net in netlist.inputs())


def of_cells(netlist, timing, activity, voltage, cells):
    """pJ of some instances without wires: what charges their input pins, and what they take inside."""
    chosen = {id(instance) for instance in cells}
    pins = sum(activity.toggles[instance.pins[pin]] * voltage**2 / 2 * load for instance in cells
               for pin, load in instance.cell.inputs.items())
    return pins + sum(energy for instance, _, energy in _inside(netlist, timing, activity) if id(instance) in chosen)


def of_clock(cell, slew, voltage):
    """pJ of a flip-flop for a cycle of its clock alone: what charges the clock's pin, and what both edges take."""
    (pin,) = variables(cell.storage.clock)
    entries = [power for power in cell.powers if power.pin == pin]
    return cell.inputs[pin] * voltage**2 + (_energy(entries, None, slew, 0.0, 1, 1) if entries else 0.0)


def _inside(netlist, timing, activity):
    """Internal energies, each with its instance and kind: of input pins for each of their changes, of outputs by the
    pin that made them change."""
    powers = {}
    for instance in netlist.instances:
        cell = instance.cell
        if cell.name not in powers:
            powers[cell.name] = grouped(cell.powers, lambda power: power.pin)
        for pin in cell.inputs:
            net = instance.pins[pin]
            if net > 1 and activity.toggles[net] and pin in powers[cell.name]:
                half = activity.toggles[net] / 2
                yield (instance, "clock" if net in timing.clocks else "internal",
                       _energy(powers[cell.name][pin], None, _slew(timing, net), 0.0, half, half))
    for causes in activity.causes:
        instance, cell = causes.instance, causes.instance.cell
        entries = powers[cell.name].get(causes.pin)
        net = instance.pins[causes.pin]
        load, kind = timing.loads.of(net), "clock" if net in timing.clocks else "internal"
        for cause, (falling, rising) in causes.counts.items():
            if entries and (falling or rising):
                slew = _slew(timing, instance.pins[cause])
                yield instance, kind, _energy(entries, cause, slew, load, falling, rising)


def _slew(timing, net):
    """The mean of a net's rising and falling slew, ns."""
    return sum(timing.slews.get(net, (timing.slew, timing.slew))) / 2


def _energy(entries, related, slew, load, falling, rising):
    """Of so many changes of a pin: the sum over supplies of the mean over states."""
    chosen = [power for power in entries if power.related == related] or entries
    total = 0.0
    for powers in grouped(chosen, lambda power: power.supply).values():
        total += sum(rising * power.rise.at(slew, load) + falling * power.fall.at(slew, load)
                     for power in powers) / len(powers)
    return total
