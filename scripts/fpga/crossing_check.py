"""Checks on a netlist that signals pass from one clock domain to another by the rules of `hdl/clocking`."""

import json
from collections import defaultdict
from functools import cached_property

from ...hdl.clocking.pll import PLLS
from .flow import FlowError

# Pins of flip-flops, in all families.
CLOCKS, DATA, ENABLES, OUTPUT = ("C", "CLK"), ("D", "DI"), ("E", "CE"), "Q"
# What has no clock: pins of the device, and whether a PLL is locked.
ASYNCHRONOUS = "asynchronous"


class CrossingError(FlowError):
    """A netlist breaks a rule of clock domain crossings."""


def check_crossings(netlist):
    """Check every path of a flattened netlist between two clock domains, or from a pin of the device or a PLL.

    It must be a wire (from a pin also an inverter) from the output of a flip-flop, of a pin or of a PLL to the data
    input of a flip-flop, which must be one of these two. The first flip-flop of a synchronizer: it loads each cycle,
    and its output goes to the data input of one other flip-flop of the same clock and nowhere else. Or, from a
    flip-flop only, a capture register: it has an enable that depends on nothing but its own domain, and on the second
    flip-flop of a synchronizer, through logic and one flip-flop at most.

    Parameters
    ----------
    netlist : Netlist

    Returns
    -------
    dict of str to int
        ``clocks``, ``synchronizers`` and ``captured_bits`` found.

    Raises
    ------
    CrossingError
        A path breaks the rules.
    """
    design = json.loads((netlist.folder / "netlist.json").read_text(encoding="utf-8"))
    return Crossings(design["modules"][netlist.top], netlist.family).check()


class Crossings:
    """A module of a netlist as Yosys's JSON has it, and its family of cells."""

    def __init__(self, module, family):
        self.cells = module["cells"]
        self.flip_flops = {name for name, cell in self.cells.items() if family.classify(cell["type"]) == "flip_flop"}
        self._pads = {bit for port in module["ports"].values() if port["direction"] != "output" for bit in port["bits"]}
        self._origins = {}
        self.drivers, self.loads = {}, defaultdict(list)
        for name, cell in self.cells.items():
            for pin, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"].get(pin) == "output":
                        self.drivers[bit] = name, pin
                    else:
                        self.loads[bit].append((name, pin))

    def _net(self, name, pins):
        """The net at one of these pins of a cell; None if it has no such pin or a constant there."""
        found = (self.cells[name]["connections"][pin][0] for pin in pins if pin in self.cells[name]["connections"])
        return next((bit for bit in found if isinstance(bit, int)), None)

    @cached_property
    def clocks(self):
        """The nets at the clocks of flip-flops."""
        return {self._net(name, CLOCKS) for name in self.flip_flops}

    def _clock(self, name):
        """The clock of a cell, None if it has none or several; of a block RAM with two all is one domain."""
        nets = {bit for pin, bits in self.cells[name]["connections"].items() for bit in bits
                if bit in self.clocks and self.cells[name]["port_directions"].get(pin) == "input"}
        return nets.pop() if len(nets) == 1 else None

    @cached_property
    def domains(self):
        """The clock of each cell that has one: flip-flops, memories, multipliers; PLLs are none of them."""
        found = {name: self._clock(name) for name, cell in self.cells.items() if cell["type"] not in PLLS}
        return {name: clock for name, clock in found.items() if clock is not None}

    def _is_asynchronous(self, name):
        return self.cells[name]["type"] in PLLS or any(
            bit in self._pads for bits in self.cells[name]["connections"].values() for bit in bits)

    def origins(self, bit):
        """What a net depends on: clocks of cells, `ASYNCHRONOUS`; found without recursion, as chains are long."""
        pending = [bit]
        while pending:
            net = pending[-1]
            inputs = self._sources(net) if net not in self._origins else ()
            missing = [source for source in inputs if source not in self._origins]
            if missing:
                # A loop of logic would never end; synthesis reports those.
                pending += missing
                continue
            pending.pop()
            if net not in self._origins:
                self._origins[net] = self._own(net).union(*(self._origins[source] for source in inputs))
        return self._origins[bit]

    def _own(self, bit):
        """What a net depends on if not through logic."""
        if bit in self._pads:
            return frozenset([ASYNCHRONOUS])
        name, _ = self.drivers.get(bit, (None, None))
        if name is None:
            return frozenset()
        if name in self.domains:
            return frozenset([self.domains[name]])
        return frozenset([ASYNCHRONOUS] if self._is_asynchronous(name) else [])

    def _sources(self, bit):
        """The nets that a net depends on through one cell of logic."""
        name, _ = self.drivers.get(bit, (None, None))
        if name is None or bit in self._pads or name in self.domains or self._is_asynchronous(name):
            return []
        cell = self.cells[name]
        return [each for pin, bits in cell["connections"].items() if cell["port_directions"].get(pin) != "output"
                for each in bits if isinstance(each, int)]

    @cached_property
    def crossings(self):
        """Flip-flops whose data comes from elsewhere; CrossingError if anything else does."""
        found = []
        for name, clock in self.domains.items():
            cell = self.cells[name]
            for pin, bits in cell["connections"].items():
                foreign = set().union(*(self.origins(bit) for bit in bits if isinstance(bit, int)), ()) - {clock}
                if cell["port_directions"].get(pin) == "output" or not foreign or bits[0] in self.clocks:
                    continue
                if name not in self.flip_flops or pin not in DATA:
                    raise CrossingError(f"another clock must reach {name} through a flip-flop, and reaches its pin "
                                        f"{pin}")
                found.append(name)
        return found

    def _source(self, name):
        """The cell whose output is wired to the data of a flip-flop, and whether it is a flip-flop."""
        bit = self._net(name, DATA)
        inputs = self._sources(bit)
        if self.origins(bit) == {ASYNCHRONOUS} and len(inputs) == 1:
            # An inverter: iCE40 has no flip-flops that start as ones. A single input makes no glitches.
            (bit,) = inputs
        driver, pin = self.drivers.get(bit, (None, None))
        if driver in self.flip_flops and pin == OUTPUT:
            return driver, True
        if bit in self._pads or (driver is not None and self._is_asynchronous(driver)):
            return driver, False
        raise CrossingError(f"the data of {name} must come straight from a flip-flop of the other clock, and comes "
                            f"through {driver}")

    @cached_property
    def synchronizers(self):
        """The second flip-flop of each synchronizer, by the first."""
        found = {}
        for name in self.crossings:
            loads = self.loads[self._net(name, [OUTPUT])]
            second, pin = loads[0] if len(loads) == 1 else (None, None)
            if (self._net(name, ENABLES) is None and second in self.flip_flops and pin in DATA
                    and self.domains[second] == self.domains[name]):
                found[name] = second
        return found

    def _behind(self, bits):
        """The flip-flops that nets depend on through logic."""
        seen, pending = set(), [bit for bit in bits if bit is not None]
        while pending:
            net = pending.pop()
            if net not in seen:
                seen.add(net)
                pending += self._sources(net)
        return {self.drivers[net][0] for net in seen if net in self.drivers} & self.flip_flops

    def _is_synchronized(self, bit):
        """Whether a net depends on the second flip-flop of a synchronizer, through one flip-flop at most."""
        seconds, near = set(self.synchronizers.values()), self._behind([bit])
        return bool(near & seconds or seconds & self._behind(
            self._net(name, pins) for name in near for pins in (DATA, ENABLES)))

    def check(self):
        """See `check_crossings`."""
        captured = 0
        for name in self.crossings:
            _, from_flip_flop = self._source(name)
            if name in self.synchronizers:
                continue
            enable = self._net(name, ENABLES)
            if not from_flip_flop or enable is None:
                raise CrossingError(f"{name} must be followed by one flip-flop of its clock and nothing else, or "
                                    "have an enable, and is not")
            if self.origins(enable) != {self.domains[name]} or not self._is_synchronized(enable):
                raise CrossingError(f"the enable of {name} must come from a synchronizer of its clock, and does not")
            captured += 1
        return {"clocks": len(self.clocks), "synchronizers": len(self.synchronizers), "captured_bits": captured}
