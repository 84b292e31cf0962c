"""The clocks of a board's routed design: what they reach, and which the macro gets."""

import json
import re
from dataclasses import replace
from fractions import Fraction

from ...hdl.clocking.pll import MHZ, PLLS, nearest, settings
from .crossing_check import check_crossings
from .flow import FlowError, pack
from .reclock import reclock
from .synth_report import multiply_rates

# Of the clock that is chosen: how much faster the design must be by nextpnr's calculation.
SPARE = Fraction(11, 10)
BRIDGE, MACRO = "bridge", "macro"
# What nextpnr adds to names of nets.
AFFIXES = re.compile(r"^\$glbnet\$|_?\$glb_clk$")
# By how much of it a constraint in nextpnr's report may be off, as it counts in picoseconds.
ROUNDING = 0.002


def candidates(board):
    """The settings to choose from where no clock is asked for, the slowest first.

    Those with the phase comparator at the oscillator's frequency or half of it: slower ones give more jitter.
    """
    return [setting for setting in settings(board.pll, board.clock) if 2 * setting.compared >= board.clock]


def first_setting(board, clock, device):
    """The PLL's `Setting` to route with: that of a clock in Hz, else the target of the device or what is nearest to it.

    ValueError if the PLL cannot make the clock.
    """
    if clock is not None:
        return nearest(board.pll, board.clock, clock)
    return min(candidates(board), key=lambda setting: abs(setting.mhz - device.target))


def fastest_setting(board, fmax, routed_with):
    """The fastest of `candidates` at which a design that reaches ``fmax`` MHz has `SPARE`, no faster than the setting
    that it was routed with; FlowError if there is none.
    """
    found = [setting for setting in candidates(board) if setting.frequency <= routed_with.frequency]
    fitting = [setting for setting in found if float(setting.frequency * SPARE / MHZ) <= fmax]
    if not fitting:
        raise FlowError(f"the macro must reach {float(found[0].frequency * SPARE / MHZ):.1f} MHz, 10 % more than the "
                        f"slowest clock of {board.name}, and reaches {fmax:.1f} MHz")
    return fitting[-1]


def clock_names(netlist):
    """Names of the net of each clock, `BRIDGE` and `MACRO`, in a netlist with a PLL."""
    module = json.loads((netlist.folder / "netlist.json").read_text(encoding="utf-8"))["modules"][netlist.top]
    pll = next(cell for cell in module["cells"].values() if cell["type"] in PLLS)
    pins = pll["connections"]
    bits = {MACRO: pins[PLLS[pll["type"]].clock_pin][0], BRIDGE: pins[PLLS[pll["type"]].oscillator_pin][0]}
    return {clock: [name for name, net in module["netnames"].items() if net["bits"] == [bit]]
            for clock, bit in bits.items()}


class BoardTiming:
    """What nextpnr calculated for the two clocks of a routed board.

    Parameters
    ----------
    routed : Routed
    names : dict
        Of `clock_names`.

    Attributes
    ----------
    nets : dict of str to str
        The name of each clock in nextpnr's report.
    """

    def __init__(self, routed, names):
        self.routed = routed
        self.nets = {}
        for net in routed.report["fmax"]:
            self.nets |= {clock: net for clock, known in names.items() if AFFIXES.sub("", net) in known}
        if self.nets.keys() != names.keys():
            raise FlowError(f"nextpnr's report must have the clocks {' and '.join(names)}, and has "
                            f"{', '.join(routed.report['fmax']) or 'none'}")

    def fmax(self, clock):
        """MHz that a clock reaches."""
        return self.routed.report["fmax"][self.nets[clock]]["achieved"]

    def constraint(self, clock):
        """MHz that nextpnr was told a clock has."""
        return self.routed.report["fmax"][self.nets[clock]]["constraint"]

    @property
    def crossing_ns(self):
        """The longest way from a flip-flop of one clock to one of the other; None if nextpnr times none: Gowin."""
        ends = {f"posedge {net}" for net in self.nets.values()}
        return max((sum(piece["delay"] for piece in path["path"]) for path in self.routed.report["critical_paths"]
                    if {path["from"], path["to"]} == ends), default=None)

    def require_constraints(self, board, setting):
        """FlowError if nextpnr was told other clocks than those of the netlist."""
        for clock, mhz in ((MACRO, setting.mhz), (BRIDGE, board.clock / MHZ)):
            if abs(self.constraint(clock) - mhz) > ROUNDING * mhz:
                raise FlowError(f"nextpnr must place and route the {clock} for {mhz:g} MHz, and did for "
                                f"{self.constraint(clock):.1f} MHz")

    def require(self, board, setting):
        """FlowError if the design misses a clock, or a way between them takes a cycle of both."""
        for clock, mhz in ((MACRO, setting.mhz), (BRIDGE, board.clock / MHZ)):
            if self.fmax(clock) < mhz:
                raise FlowError(f"the {clock} must run at {mhz:g} MHz on {board.name}, and reaches "
                                f"{self.fmax(clock):.1f} MHz")
        allowed = 1e3 / setting.mhz + 1e9 / board.clock
        if self.crossing_ns is not None and self.crossing_ns >= allowed:
            raise FlowError(f"a way between the clocks must take less than a cycle of each, {allowed:.1f} ns, and "
                            f"takes {self.crossing_ns:.1f} ns")


class BoardClocks:
    """The two clocks of a board's netlist, whose crossings are checked here.

    Parameters
    ----------
    board : Board
    accelerator : Accelerator
    setting : Setting
        Of the PLL in the netlist.
    netlist : Netlist

    Raises
    ------
    CrossingError
        See `check_crossings`.
    """

    def __init__(self, board, accelerator, setting, netlist):
        self.board, self.accelerator, self.setting = board, accelerator, setting
        self.crossings = check_crossings(netlist)
        self.names = clock_names(netlist)
        # Elsewhere nextpnr derives them from that of the oscillator's pin.
        self.constraints = {self.names[BRIDGE][0]: board.clock / MHZ, self.names[MACRO][0]: setting.mhz} if (
            netlist.family.name == "gowin") else None

    def of_macro(self, routed):
        """A routed design with the macro's clock as the one that counts."""
        return replace(routed, clock=BoardTiming(routed, self.names).nets[MACRO])

    def _choose(self, timings, chooses):
        """The setting and the `BoardTiming` of the best placement; see `build`."""
        met, errors = [], {}
        for timing in timings:
            timing.require_constraints(self.board, self.setting)
            fmax = timing.fmax(MACRO)
            try:
                setting = fastest_setting(self.board, fmax, self.setting) if chooses else self.setting
                timing.require(self.board, setting)
            except FlowError as error:
                errors[fmax] = error
            else:
                met.append((setting.frequency, fmax, setting, timing))
        if not met:
            raise errors[max(errors)]
        return max(met, key=lambda each: each[:2])[2:]

    def build(self, placements, chooses, progress=None):
        """Pack the placement with the fastest clock of the macro, of those that meet both clocks.

        Parameters
        ----------
        placements : list of Routed
        chooses : bool
            Take `fastest_setting` instead of the setting that was routed with.
        progress : function, optional
            Takes lines of the tools.

        Returns
        -------
        (Path, int, dict)
            The bitstream; its seed; and its clocks for the report: what they are, what nextpnr was given, and what they
            reach, in MHz.

        Raises
        ------
        FlowError
            All miss a clock; nextpnr had another constraint; or a tool fails.
        """
        setting, timing = self._choose([BoardTiming(routed, self.names) for routed in placements], chooses)
        routed = timing.routed
        if setting != self.setting:
            routed = reclock(routed, self.accelerator, self.setting, setting, progress=progress)
        clocks = {clock: {"mhz": round(mhz, 6), "constraint_mhz": round(timing.constraint(clock), 3),
                          "fmax_mhz": round(timing.fmax(clock), 3)}
                  for clock, mhz in ((MACRO, setting.mhz), (BRIDGE, self.board.clock / MHZ))}
        clocks[MACRO]["gmac_per_second"] = multiply_rates(self.accelerator.macro, setting.mhz)
        return pack(routed, progress=progress), routed.seed, clocks | {
            "pll": {"cell": setting.primitive, "vco_mhz": round(float(setting.vco / MHZ), 3), **setting.parameters},
            "longest_crossing_ns": timing.crossing_ns, "crossings": self.crossings}
