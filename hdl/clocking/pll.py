"""PLLs of the FPGA families: settings by the vendors' limits, and the cell."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from amaranth.hdl import Const, Instance, Signal
from amaranth.lib import io

MHZ = 1_000_000

# Of the EHXPLLL, at every frequency: charge pump and loop filter as Trellis's ecppll has them; parameters; low pins.
ECP5_ATTRIBUTES = {"ICP_CURRENT": "12", "LPF_RESISTOR": "8", "MFG_ENABLE_FILTEROPAMP": "1", "MFG_GMCREF_SEL": "2"}
ECP5_FIXED = {
    "PLLRST_ENA": "DISABLED", "INTFB_WAKE": "DISABLED", "STDBY_ENABLE": "DISABLED", "DPHASE_SOURCE": "DISABLED",
    "OUTDIVIDER_MUXA": "DIVA", "OUTDIVIDER_MUXB": "DIVB", "OUTDIVIDER_MUXC": "DIVC", "OUTDIVIDER_MUXD": "DIVD",
    "CLKOP_ENABLE": "ENABLED", "CLKOP_FPHASE": 0, "FEEDBK_PATH": "CLKOP"}
ECP5_LOW = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG", "PLLWAKESYNC", "ENCLKOP")

# Of the SB_PLL40: the loop filter for frequencies at the phase comparator below so many MHz, as IceStorm's icepll has
# it.
ICE40_FILTERS = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5), (134, 6))

# Of the rPLL: dividers of the VCO; parameters at every frequency; low pins and their bits.
GOWIN_OUTPUTS = (2, 4, 8, *range(16, 129, 16))
GOWIN_FIXED = {
    "CLKFB_SEL": "internal", "CLKOUT_BYPASS": "false", "CLKOUTP_BYPASS": "false", "CLKOUTD_BYPASS": "false",
    "CLKOUTD_SRC": "CLKOUT", "CLKOUTD3_SRC": "CLKOUT", "DEVICE": "GW1NR-9C", "DUTYDA_SEL": "1000", "PSDA_SEL": "0000",
    "DYN_DA_EN": "false", "DYN_FBDIV_SEL": "false", "DYN_IDIV_SEL": "false", "DYN_ODIV_SEL": "false"}
GOWIN_LOW = {"RESET": 1, "RESET_P": 1, "CLKFB": 1, "FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "DUTYDA": 4, "PSDA": 4,
             "FDLY": 4}


@dataclass(frozen=True)
class Range:
    """Frequencies, MHz, both ends included."""

    low: float
    high: float

    def __contains__(self, hertz):
        return self.low * MHZ <= hertz <= self.high * MHZ


@dataclass(frozen=True)
class Setting:
    """A PLL with its dividers.

    Attributes
    ----------
    primitive : str
        Its cell, a key of `PLLS`.
    oscillator, compared, vco, frequency : Fraction
        Hz at its input, at its phase comparator, of its own oscillator, and at its output; exact.
    parameters : dict of str to int
        Those of the cell that depend on the frequency.
    """

    primitive: str
    oscillator: Fraction
    compared: Fraction
    vco: Fraction
    frequency: Fraction
    parameters: dict

    @property
    def mhz(self):
        """MHz at its output."""
        return float(self.frequency / MHZ)


@dataclass(frozen=True)
class Pll:
    """A kind of PLL.

    Attributes
    ----------
    clock_pin, oscillator_pin : str
        Where its own clock comes out, and where that of the oscillator goes in, or out again if it stands at the pad.
    output, vco, compared : Range
        Of its output, of its own oscillator, and at its phase comparator.
    """

    primitive: str
    clock_pin: str
    oscillator_pin: str
    output: Range
    vco: Range
    compared: Range

    def allows(self, setting):
        """Whether a setting keeps to all limits."""
        return setting.frequency in self.output and setting.vco in self.vco and setting.compared in self.compared

    def instance(self, fixed, **pins):
        """The cell, without what depends on the frequency: ``fixed`` are parameters."""
        return Instance(self.primitive, **{f"p_{name}": value for name, value in fixed.items()}, **pins)


class Ehxplll(Pll):
    """PLL of the ECP5, with the feedback from its output.

    Limits: Lattice FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet, sysCLOCK PLL Timing. Parameters: FPGA-TN-02200,
    ECP5 and ECP5-5G sysCLOCK PLL/DLL Design and Usage Guide.
    """

    def dividers(self, oscillator):
        """All settings of dividers, those too that break a limit."""
        for reference in range(1, 129):
            compared = oscillator / reference
            for feedback in range(1, 129) if compared in self.compared else ():
                frequency = compared * feedback
                for output in range(1, 129) if frequency in self.output else ():
                    # A phase of one less than the divider is no shift.
                    yield Setting(self.primitive, oscillator, compared, frequency * output, frequency, {
                        "CLKI_DIV": reference, "CLKFB_DIV": feedback, "CLKOP_DIV": output, "CLKOP_CPHASE": output - 1})

    def add(self, m, pin, setting):
        """See `add_pll`."""
        m.submodules.clock_pin = buffer = io.Buffer("i", pin)
        clock, locked = Signal(name="pll_clock"), Signal(name="pll_locked")
        m.submodules.pll = self.instance(
            {**ECP5_FIXED, **setting.parameters}, **{f"a_{name}": value for name, value in ECP5_ATTRIBUTES.items()},
            **{f"i_{name}": Const(0) for name in ECP5_LOW}, i_CLKI=buffer.i, i_CLKFB=clock, o_CLKOP=clock,
            o_LOCK=locked)
        return buffer.i, clock, locked


class SbPll40(Pll):
    """PLL of the iCE40 with its simple feedback; with ``PAD`` at the pad where the oscillator comes in.

    Limits: Lattice FPGA-DS-02008, iCE40 UltraPlus Family Data Sheet, and FPGA-DS-02029, iCE40 LP/HX Family Data Sheet,
    sysCLOCK PLL Timing. Parameters: FPGA-TN-02052, iCE40 sysCLOCK PLL Design and Usage Guide.
    """

    def dividers(self, oscillator):
        """All settings of dividers, those too that break a limit."""
        for reference in range(16):
            compared = oscillator / (reference + 1)
            for feedback in range(128) if compared in self.compared else ():
                vco = compared * (feedback + 1)
                loop_filter = next(number for below, number in ICE40_FILTERS if compared < below * MHZ)
                for output in range(1, 7):
                    yield Setting(self.primitive, oscillator, compared, vco, vco / 2**output, {
                        "DIVR": reference, "DIVF": feedback, "DIVQ": output, "FILTER_RANGE": loop_filter})

    def add(self, m, pin, setting):
        """See `add_pll`."""
        slow, clock, locked = Signal(name="oscillator"), Signal(name="pll_clock"), Signal(name="pll_locked")
        fixed = {"FEEDBACK_PATH": "SIMPLE", **setting.parameters}
        common = {"i_RESETB": Const(1), "i_BYPASS": Const(0), "o_LOCK": locked}
        if self.primitive == "SB_PLL40_2_PAD":
            m.submodules.pll = self.instance({"PLLOUT_SELECT_PORTB": "GENCLK", **fixed}, io_PACKAGEPIN=pin.io,
                                             o_PLLOUTGLOBALA=slow, o_PLLOUTGLOBALB=clock, **common)
            return slow, clock, locked
        m.submodules.clock_pin = buffer = io.Buffer("i", pin)
        m.submodules.pll = self.instance({"PLLOUT_SELECT": "GENCLK", **fixed}, i_REFERENCECLK=buffer.i,
                                         o_PLLOUTGLOBAL=clock, **common)
        return buffer.i, clock, locked


class Rpll(Pll):
    """PLL of Gowin's GW1N(R)-9.

    Limits: Gowin DS117, GW1NR series of FPGA Products Data Sheet, PLL switching characteristics, speed grade C6/I5.
    Parameters: UG286, Gowin Clock User Guide.
    """

    def dividers(self, oscillator):
        """All settings of dividers, those too that break a limit."""
        for reference in range(64):
            compared = oscillator / (reference + 1)
            for feedback in range(64) if compared in self.compared else ():
                frequency = compared * (feedback + 1)
                for output in GOWIN_OUTPUTS:
                    yield Setting(self.primitive, oscillator, compared, frequency * output, frequency, {
                        "IDIV_SEL": reference, "FBDIV_SEL": feedback, "ODIV_SEL": output})

    def add(self, m, pin, setting):
        """See `add_pll`."""
        m.submodules.clock_pin = buffer = io.Buffer("i", pin)
        clock, locked = Signal(name="pll_clock"), Signal(name="pll_locked")
        m.submodules.pll = self.instance(
            {**GOWIN_FIXED, "FCLKIN": f"{float(setting.oscillator / MHZ):g}", **setting.parameters}, i_CLKIN=buffer.i,
            **{f"i_{name}": Const(0, width) for name, width in GOWIN_LOW.items()}, o_CLKOUT=clock, o_LOCK=locked)
        return buffer.i, clock, locked


PLLS = {pll.primitive: pll for pll in (
    Ehxplll("EHXPLLL", "CLKOP", "CLKI", Range(3.125, 400), Range(400, 800), Range(10, 400)),
    SbPll40("SB_PLL40_CORE", "PLLOUTGLOBAL", "REFERENCECLK", Range(16, 275), Range(533, 1066), Range(10, 133)),
    SbPll40("SB_PLL40_2_PAD", "PLLOUTGLOBALB", "PLLOUTGLOBALA", Range(16, 275), Range(533, 1066), Range(10, 133)),
    Rpll("rPLL", "CLKOUT", "CLKIN", Range(3.125, 600), Range(400, 1200), Range(3, 400)),
)}


@cache
def settings(primitive, oscillator):
    """The best setting for each frequency of a PLL at an oscillator of so many Hz, the slowest first.

    Of those with the same frequency that with the fastest phase comparator, and then with a VCO in the middle of its
    range: both give the least jitter.
    """
    pll = PLLS[primitive]
    middle = (pll.vco.low + pll.vco.high) / 2 * MHZ
    best = {}
    for setting in filter(pll.allows, pll.dividers(Fraction(oscillator))):
        order = (-setting.compared, abs(setting.vco - middle))
        if setting.frequency not in best or order < best[setting.frequency][0]:
            best[setting.frequency] = order, setting
    return [best[frequency][1] for frequency in sorted(best)]


def nearest(primitive, oscillator, hertz):
    """The `Setting` whose frequency is the nearest.

    Raises
    ------
    ValueError
        The frequency is outside the PLL's range.
    """
    found = settings(primitive, oscillator)
    low, high = found[0].mhz, found[-1].mhz
    if not found[0].frequency <= hertz <= found[-1].frequency:
        raise ValueError(f"clock must be from {low:g} to {high:g} MHz ({primitive} at {oscillator / MHZ:g} MHz), "
                         f"not {hertz / MHZ:g}")
    return min(found, key=lambda setting: abs(setting.frequency - Fraction(hertz)))


def add_pll(m, pin, setting):
    """Add the PLL behind the pin of the oscillator.

    Parameters
    ----------
    m : Module
    pin : PortLike
        The oscillator's, requested without a buffer.
    setting : Setting

    Returns
    -------
    (oscillator, clock, locked)
        The clock of the oscillator, that of the PLL, and a bit that is high while the PLL is locked, of no clock.
    """
    return PLLS[setting.primitive].add(m, pin, setting)
