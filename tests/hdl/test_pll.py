# amaranth: UnusedElaboratable=no
"""Settings of PLLs: their limits, by each vendor's own formula, and the cells."""

from fractions import Fraction

import pytest
from amaranth.back import rtlil
from amaranth.hdl import IOPort, Module
from amaranth.lib.io import Buffer, SingleEndedPort
from bitline.constraints import BOARDS
from bitline.hdl.clocking.pll import MHZ, PLLS, Range, add_pll, nearest, settings

OSCILLATORS = {board.pll: board.clock for board in BOARDS.values()}
# Frequencies, MHz, at the output and of the VCO, from the oscillator and the parameters: FPGA-TN-02200 (feedback from
# CLKOP), FPGA-TN-02052 (simple feedback), UG286.
FORMULAS = {
    "EHXPLLL": lambda clock, p: (clock / p["CLKI_DIV"] * p["CLKFB_DIV"],
                                 clock / p["CLKI_DIV"] * p["CLKFB_DIV"] * p["CLKOP_DIV"]),
    "SB_PLL40_CORE": lambda clock, p: (clock * (p["DIVF"] + 1) / (2 ** p["DIVQ"] * (p["DIVR"] + 1)),
                                       clock * (p["DIVF"] + 1) / (p["DIVR"] + 1)),
    "rPLL": lambda clock, p: (clock * (p["FBDIV_SEL"] + 1) / (p["IDIV_SEL"] + 1),
                              clock * (p["FBDIV_SEL"] + 1) * p["ODIV_SEL"] / (p["IDIV_SEL"] + 1)),
}
FORMULAS["SB_PLL40_2_PAD"] = FORMULAS["SB_PLL40_CORE"]
# Largest values of the parameters, from the same documents.
LARGEST = {"CLKI_DIV": 128, "CLKFB_DIV": 128, "CLKOP_DIV": 128, "CLKOP_CPHASE": 127, "DIVR": 15, "DIVF": 127, "DIVQ": 6,
           "FILTER_RANGE": 7, "IDIV_SEL": 63, "FBDIV_SEL": 63, "ODIV_SEL": 128}
# VCO and phase comparator, MHz.
LIMITS = {"EHXPLLL": ((400, 800), (10, 400)), "SB_PLL40_CORE": ((533, 1066), (10, 133)),
          "SB_PLL40_2_PAD": ((533, 1066), (10, 133)), "rPLL": ((400, 1200), (3, 400))}


def test_every_board_has_a_pll():
    assert OSCILLATORS.keys() == PLLS.keys()


@pytest.mark.parametrize("primitive", PLLS)
def test_all_settings_keep_to_the_limits(primitive):
    clock = Fraction(OSCILLATORS[primitive])
    found = settings(primitive, clock)
    frequencies = [setting.frequency for setting in found]
    assert len(found) > 20 and frequencies == sorted(set(frequencies))
    (slow, fast), (low, high) = LIMITS[primitive]
    for setting in found:
        assert (setting.frequency, setting.vco) == FORMULAS[primitive](clock, setting.parameters)
        assert slow <= setting.vco / MHZ <= fast and low <= setting.compared / MHZ <= high
        assert (clock / setting.compared).denominator == 1
        assert all(0 <= value <= LARGEST[name] for name, value in setting.parameters.items())


@pytest.mark.parametrize("primitive, wanted, exact, parameters", [
    ("EHXPLLL", 100, 100, {"CLKI_DIV": 1, "CLKFB_DIV": 4, "CLKOP_DIV": 6, "CLKOP_CPHASE": 5}),
    ("EHXPLLL", 110, 112.5, {"CLKI_DIV": 2, "CLKFB_DIV": 9, "CLKOP_DIV": 5, "CLKOP_CPHASE": 4}),
    # As icepll has it.
    ("SB_PLL40_CORE", 30, 30, {"DIVR": 0, "DIVF": 79, "DIVQ": 5, "FILTER_RANGE": 1}),
    ("SB_PLL40_2_PAD", 48, 48, {"DIVR": 0, "DIVF": 63, "DIVQ": 4, "FILTER_RANGE": 1}),
    ("rPLL", 54, 54, {"IDIV_SEL": 0, "FBDIV_SEL": 1, "ODIV_SEL": 16}),
])
def test_known_settings(primitive, wanted, exact, parameters):
    setting = nearest(primitive, OSCILLATORS[primitive], wanted * MHZ)
    assert setting.mhz == exact and setting.parameters == parameters


def test_the_nearest_is_the_nearest():
    found = settings("rPLL", 27e6)
    for wanted in range(4, 590, 7):
        setting = nearest("rPLL", 27e6, wanted * MHZ)
        assert all(abs(setting.mhz - wanted) <= abs(other.mhz - wanted) for other in found)


@pytest.mark.parametrize("hertz", [0, -1e6, 12.4e6, 401e6, float("nan"), float("inf")])
def test_clocks_out_of_range_are_refused(hertz):
    with pytest.raises(ValueError, match=r"clock must be from 12\.5 to 400 MHz \(EHXPLLL at 25 MHz\), not "):
        nearest("EHXPLLL", 25e6, hertz)


def test_ranges_have_both_ends():
    assert all(hertz in Range(1, 2) for hertz in (1e6, 2e6)) and not any(
        hertz in Range(1, 2) for hertz in (1e6 - 1, 2e6 + 1))


@pytest.mark.parametrize("primitive", PLLS)
def test_the_cell_has_the_setting(primitive):
    setting = nearest(primitive, OSCILLATORS[primitive], 60 * MHZ)
    m = Module()
    port = IOPort(1, name="pin")
    oscillator, clock, locked = add_pll(m, SingleEndedPort(port, direction="i"), setting)
    used = IOPort(3, name="used")
    for index, signal in enumerate((oscillator, clock, locked)):
        buffer = Buffer("o", SingleEndedPort(used[index], direction="o"))
        m.submodules += buffer
        m.d.comb += buffer.o.eq(signal)
    text = rtlil.convert(m, ports=[port, used])
    assert f"cell \\{primitive} " in text
    for name, value in setting.parameters.items():
        assert f"parameter signed \\{name} {value}\n" in text or f"parameter \\{name} {value}\n" in text
