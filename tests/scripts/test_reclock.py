"""The clocks of a routed board, and another clock for its macro."""

import re
from types import SimpleNamespace

import pytest
from bitline.constraints import BOARDS
from bitline.hdl.clocking.pll import nearest, settings
from bitline.hdl.config import MacroConfig
from bitline.hdl.uart_bridge.accelerator import accelerator
from bitline.scripts.fpga.board_clocks import BoardClocks, BoardTiming, candidates, fastest_setting, first_setting
from bitline.scripts.fpga.families import DEVICES
from bitline.scripts.fpga.flow import FlowError
from bitline.scripts.fpga.reclock import Change, reclocked_config, require_same

CONFIG = MacroConfig(rows=4, columns=2)
ULX3S = BOARDS["ulx3s_85f"]
BEFORE, AFTER = (nearest(ULX3S.pll, ULX3S.clock, hertz) for hertz in (300e6, 112.5e6))
CHANGE = Change(SimpleNamespace(folder="here"), accelerator(CONFIG), BEFORE, AFTER)
NAMES = {"macro": ["busy.macro_clk"], "bridge": ["bridge.clk", "clk"]}


def routed(macro=120.0, bridge=60.0, crossing=3.0, names=("$glbnet$busy.macro_clk", "$glbnet$bridge.clk"),
           constraints=(300.03, 25.0)):
    """A routed design as far as its report has clocks."""
    ends = [f"posedge {name}" for name in names]
    return SimpleNamespace(report={
        "fmax": {name: {"achieved": fmax, "constraint": constraint}
                 for name, fmax, constraint in zip(names, (macro, bridge), constraints)},
        "critical_paths": [{"from": ends[0], "to": ends[0], "path": [{"delay": 99.0}]},
                           {"from": ends[0], "to": ends[1], "path": [{"delay": 1.0}, {"delay": crossing - 1}]}]})


def test_clocks_are_found_by_their_nets():
    timing = BoardTiming(routed(), NAMES)
    assert (timing.fmax("macro"), timing.fmax("bridge"), timing.crossing_ns) == (120, 60, 3)
    assert BoardTiming(routed(names=("busy.macro_clk_$glb_clk", "clk$glb_clk")), NAMES).fmax("bridge") == 60


@pytest.mark.parametrize("names", [("other", "too"), ("busy.macro_clk", "clk2"), ("busy.macro_clk", "other.clk")])
def test_clocks_of_other_names_are_refused(names):
    with pytest.raises(FlowError, match=f"must have the clocks macro and bridge, and has {', '.join(names)}"):
        BoardTiming(routed(names=names), NAMES)


class Chooser(BoardClocks):
    """As far as it chooses a placement."""

    def __init__(self, setting=BEFORE):
        self.board, self.setting = ULX3S, setting

    def choose(self, *placements, chooses=True):
        setting, timing = self._choose([BoardTiming(each, NAMES) for each in placements], chooses)
        return setting.mhz, timing.fmax("macro")


def test_of_the_placements_that_meet_both_clocks_the_fastest_is_built():
    choose = Chooser().choose
    assert choose(routed(120), routed(140), routed(130)) == (125, 140)
    assert choose(routed(138), routed(140)) == (125, 140)
    assert choose(routed(120), routed(140, bridge=24)) == (100, 120)
    assert choose(routed(120), routed(140, crossing=60)) == (100, 120)
    assert Chooser(AFTER).choose(routed(140, constraints=(112.5, 25)), chooses=False) == (112.5, 140)
    with pytest.raises(FlowError, match=r"the bridge must run at 25 MHz on ulx3s_85f, and reaches 24.0 MHz"):
        choose(routed(140, bridge=24), routed(13))
    with pytest.raises(FlowError, match=r"the macro must reach 13\.8 MHz"):
        choose(routed(13), routed(12))


@pytest.mark.parametrize(("constraints", "match"), [
    ((125.0, 25.0), "must place and route the macro for 300 MHz, and did for 125.0 MHz"),
    ((300.03, 300.03), "must place and route the bridge for 25 MHz, and did for 300.0 MHz"),
])
def test_other_constraints_are_refused(constraints, match):
    with pytest.raises(FlowError, match=match):
        Chooser().choose(routed(constraints=constraints))


@pytest.mark.parametrize(("found", "match"), [
    ({}, None),
    ({"macro": 112.4}, r"the macro must run at 112.5 MHz on ulx3s_85f, and reaches 112.4 MHz"),
    ({"bridge": 24.0}, r"the bridge must run at 25 MHz on ulx3s_85f, and reaches 24.0 MHz"),
    ({"crossing": 49.0}, r"must take less than a cycle of each, 48.9 ns, and takes 49.0 ns"),
])
def test_a_design_that_misses_a_clock_is_refused(found, match):
    timing = BoardTiming(routed(**found), NAMES)
    if match is None:
        timing.require(ULX3S, AFTER)
        return
    with pytest.raises(FlowError, match=match):
        timing.require(ULX3S, AFTER)


@pytest.mark.parametrize(("fmax", "mhz"), [(123.75, 112.5), (123.7, 100), (13.75, 12.5), (1000, 400)])
def test_the_fastest_clock_leaves_a_tenth(fmax, mhz):
    assert fastest_setting(ULX3S, fmax, nearest(ULX3S.pll, ULX3S.clock, 400e6)).mhz == mhz


def test_no_clock_is_chosen_that_was_not_routed_for():
    assert fastest_setting(ULX3S, 1000, BEFORE).mhz == 300


def test_candidates_are_few_and_without_a_slow_phase_comparator():
    found = candidates(BOARDS["tang_nano_9k"])
    assert [setting.mhz for setting in found] == [13.5 * factor for factor in range(1, 45)]
    assert {setting.parameters["IDIV_SEL"] for setting in found} == {0, 1}


def test_a_design_below_the_slowest_clock_is_refused():
    with pytest.raises(FlowError, match=r"must reach 13\.8 MHz, 10 % more than the slowest clock .* reaches 13\.7"):
        fastest_setting(ULX3S, 13.7, BEFORE)


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_without_a_clock_the_target_of_the_device_is_routed_for(board):
    device = DEVICES[board.device]
    assert first_setting(board, None, device).mhz == pytest.approx(device.target, rel=0.02)
    assert first_setting(board, 40e6, device) == nearest(board.pll, board.clock, 40e6)


def memory(contents):
    lines = [" ".join(f"{byte:03x}" for byte in contents[first:first + 8]) for first in range(0, len(contents), 8)]
    return ".bram_init 4\n" + "\n".join(lines) + "\n\n"


def dividers(setting):
    return ".tile_group PLL\n" + "".join(
        f"word: {name} {value - (not name.endswith('PHASE')):07b}\n" for name, value in setting.parameters.items())


def configuration(setting):
    """A configuration of an ECP5, with a memory that is not the answers'."""
    return ".tile R1C1:PLC2\narc: A B\n" + dividers(setting) + "\n" + memory(bytes(2048)).replace("4", "3", 1) + memory(
        CHANGE.answers(setting))


def test_only_dividers_and_identity_of_a_configuration_change():
    assert reclocked_config(configuration(BEFORE), CHANGE) == configuration(AFTER)


@pytest.mark.parametrize(("old", "new", "match"), [
    ("word: CLKFB_DIV", "word: OTHER", "must have one CLKFB_DIV, and has 0"),
    (dividers(BEFORE), 2 * dividers(BEFORE), "must have one CLKI_DIV, and has 2"),
    (memory(CHANGE.answers(BEFORE)), "", "must have one memory with the identity, and has 0"),
    (memory(CHANGE.answers(BEFORE)), 2 * memory(CHANGE.answers(BEFORE)), "must have one memory .*, and has 2"),
])
def test_a_configuration_that_is_not_understood_is_refused(old, new, match):
    text = configuration(BEFORE)
    assert text.count(old) == 1
    with pytest.raises(FlowError, match=match):
        reclocked_config(text.replace(old, new), CHANGE)


def test_other_bits_of_a_memory_are_noticed():
    expected = sum((one ^ other).bit_count() for one, other in zip(CHANGE.answers(BEFORE), CHANGE.answers(AFTER)))
    assert expected > 0
    CHANGE.require_bits(expected)
    with pytest.raises(FlowError, match=f"must change in {expected} bits with .*, and changes in {expected + 1}"):
        CHANGE.require_bits(expected + 1)


ASC = (".device 5k\n\n.io_tile 9 31\n1001\n\n.io_tile 11 31\n0100\n\n"
       ".logic_tile 1 1\n0110\n\n.ram_data 6 1\n01\n\n.ram_data 6 3\n00\n")


@pytest.mark.parametrize(("changes", "match"), [
    ([("0100", "0010"), ("\n01\n", "\n11\n")], None),
    ([("\n01\n", "\n11\n")], "differs .* in memories only"),
    ([("0100", "0010"), ("1001", "1000")], "differs .*io_tile 9 31"),
    ([("0100", "0010"), ("0110", "0111")], "differs .*logic_tile 1 1"),
    ([("0100", "0010"), (".ram_data 6 3", ".ram_data 6 5")], "differs .*ram_data 6 3, .ram_data 6 5"),
])
def test_what_else_changes_in_an_ice40_is_noticed(changes, match, tmp_path):
    text = ASC
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    # nextpnr writes the memories in another order.
    parts = [part for part in re.split(r"^(?=\.)", text + "\n", flags=re.MULTILINE) if part]
    before, after = tmp_path / "before.asc", tmp_path / "after.asc"
    before.write_text(ASC + "\n")
    after.write_text("".join(parts[:-2] + parts[:-3:-1]))
    if match is None:
        require_same(before, after, "X12/Y31/pll_3")
        return
    with pytest.raises(FlowError, match=match):
        require_same(before, after, "X12/Y31/pll_3")


def test_every_frequency_fits_in_the_identity():
    assert all(round(setting.frequency) < 2**32 for board in BOARDS.values() for setting in settings(
        board.pll, board.clock))
