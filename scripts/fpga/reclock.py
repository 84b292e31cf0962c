"""Another clock for the accelerator of a routed board: the PLL's dividers, and the frequency in the identity."""

import json
import re
from collections import Counter
from dataclasses import dataclass, replace

from amaranth.back import rtlil

from ...hdl.clocking.pll import PLLS, Setting
from ...hdl.uart_bridge.accelerator import Accelerator
from ...hdl.uart_bridge.answer_memory import AnswerMemory, first_answers
from .flow import FlowError, Routed, synthesize, write_again

# Types of PLLs before and after packing.
PLL_CELLS = (*PLLS, "ICESTORM_PLL")
# Parameters with the contents of a memory in nextpnr's JSON.
CONTENTS = "INIT"
# iCE40's PLL is configured in tiles of its row up to so many from its own.
PLL_TILES = 2


@dataclass(frozen=True)
class Change:
    """A routed board, and the settings of its PLL with which it was routed and which it gets."""

    routed: Routed
    accelerator: Accelerator
    before: Setting
    after: Setting

    def answers(self, setting):
        """The first contents of the bridge's memory of answers, with the identity."""
        return first_answers(self.accelerator, round(setting.frequency), round(setting.oscillator))

    def require_bits(self, changed):
        """FlowError if not exactly as many bits of memories change as differ in the identity."""
        expected = _differing_bits(self.answers(self.before).hex(), self.answers(self.after).hex(), 16)
        if changed != expected:
            raise FlowError(f"the identity must change in {expected} bits with the clock, and changes in {changed} (in "
                            f"{self.routed.folder})")


def reclock(routed, accelerator, before, after, *, progress=None):
    """Give a routed board another frequency of its PLL, which is also in its identity; everything else stays.

    Parameters
    ----------
    routed : Routed
    accelerator : Accelerator
    before, after : Setting
        That with which the design was routed, and the new one.
    progress : function, optional
        Takes lines of the tools.

    Returns
    -------
    Routed
        In a folder below, with the same report.

    Raises
    ------
    FlowError
        Anything else would change too.
    """
    folder = routed.folder / "clocked"
    folder.mkdir(exist_ok=True)
    change = Change(routed, accelerator, before, after)
    changed = replace(routed, folder=folder)
    if routed.device.family == "ecp5":
        # nextpnr would forget the constants at pins of block RAMs if it read its own netlist again.
        text = (routed.folder / "routed.config").read_text(encoding="utf-8")
        (folder / "routed.config").write_text(reclocked_config(text, change), encoding="utf-8")
        return changed
    design = json.loads((routed.folder / "routed.json").read_text(encoding="utf-8"))
    place = _change_netlist(design, change, _memory_alone(change, folder / "answers", progress))
    (folder / "routed.json").write_text(json.dumps(design), encoding="utf-8")
    write_again(changed, progress=progress)
    if routed.device.family == "ice40":
        require_same(*(each / "routed.asc" for each in (routed.folder, folder)), place)
    return changed


def reclocked_config(text, change):
    """Trellis's configuration of an ECP5 with the new setting and identity."""
    for name, value in change.after.parameters.items():
        # Dividers are stored less one.
        stored = value if name.endswith("PHASE") else value - 1
        text, count = re.subn(rf"^word: {name} [01]{{7}}$", f"word: {name} {stored:07b}", text, flags=re.MULTILINE)
        if count != 1:
            raise FlowError(f"the configuration must have one {name}, and has {count}")
    before, after = (_words(change.answers(setting)) for setting in (change.before, change.after))
    if text.count(before) != 1:
        raise FlowError(f"the configuration must have one memory with the identity, and has {text.count(before)}")
    change.require_bits(sum(_differing_bits(*words, 16) for words in zip(before.split(), after.split())))
    return text.replace(before, after)


def _words(contents):
    """Bytes as Trellis writes a block RAM: 9-bit words, eight a line."""
    return "".join(" ".join(f"{byte:03x}" for byte in contents[first:first + 8]) + "\n"
                   for first in range(0, len(contents), 8))


def _memory_alone(change, folder, progress):
    """Parameters with the contents of the memory of answers, mapped alone, by the names of the cells in the board."""
    memory = AnswerMemory(accelerator=change.accelerator, macro_hz=round(change.after.frequency),
                          clock_hz=round(change.after.oscillator))
    netlist = synthesize({"answers.il": rtlil.convert(memory, name="answers", emit_src=False)}, "answers",
                         change.routed.device.family, folder, apart=(), pads=False, progress=progress)
    module = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]["answers"]
    return {f"bridge.answers.{name}": {key: value for key, value in cell["parameters"].items()
                                       if key.startswith(CONTENTS)} for name, cell in module["cells"].items()
            if netlist.family.classify(cell["type"]) == "block_ram"}


def _change_netlist(design, change, contents):
    """Change nextpnr's netlist, in place; returns where the PLL is, as nextpnr says it."""
    cells = max(design["modules"].values(), key=lambda module: len(module["cells"]))["cells"]
    bits = 0
    for name, parameters in contents.items():
        # nextpnr may add to names.
        cell = cells.get(name) or cells[f"{name}_RAM"]
        bits += sum(_differing_bits(cell["parameters"][key], value, 2) for key, value in parameters.items())
        cell["parameters"] |= parameters
    change.require_bits(bits)
    pll = next(cell for cell in cells.values() if cell["type"] in PLL_CELLS)
    pll["parameters"] |= {name: f"{value:032b}" for name, value in change.after.parameters.items()}
    return pll["attributes"]["NEXTPNR_BEL"]


def _differing_bits(before, after, base):
    """In how many bits two numbers differ, given as digits; unknown binary ones are zeros."""
    before, after = (int(digits.replace("x", "0"), base) for digits in (before, after))
    return (before ^ after).bit_count()


def require_same(before, after, place):
    """FlowError if two configurations of an iCE40 differ in more than contents of memories and the PLL's own tiles.

    Parameters
    ----------
    before, after : Path
    place : str
        The PLL's, such as ``X12/Y31/pll_3``.
    """
    x, y = map(int, re.match(r"X(\d+)/Y(\d+)/", place).groups())
    own = {f".io_tile {column} {y}" for column in range(x - PLL_TILES, x + PLL_TILES + 1)}
    sections = [Counter(re.split(r"^(?=\.)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
                for path in (before, after)]
    places = [{section.split("\n")[0] for section in one - other} for one, other in (sections, sections[::-1])]
    other = {each for each in places[0] if not each.startswith(".ram_data")} - own
    if places[0] != places[1] or other or not places[0] & own:
        raise FlowError(f"only memories and the PLL must change with the clock, and {after} differs from {before} in "
                        f"{', '.join(sorted(places[0] ^ places[1] or other)) or 'memories only'}")
