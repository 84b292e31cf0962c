"""An accelerator on a board: its bitstream and report, and the largest macro that fits."""

import dataclasses
import time
from contextlib import contextmanager
from pathlib import Path

from ...hdl.emit import emit
from ...hdl.uart_bridge.accelerator import accelerator
from ...hdl.uart_bridge.top import BoardTop, MeasuredMacro
from .block_usage import DIVISIONS, Blocks
from .board_clocks import BoardClocks, first_setting
from .floorplan import place_block_rams
from .flow import DEVICES, FitError, FlowError, pack_cells, place_and_route, synthesize, with_seeds
from .netlist_check import check_measured_macro
from .synth_report import make_report

TOP = "top"
CONSTRAINTS = (".lpf", ".pcf", ".cst")
FREQUENCY = ("FREQUENCY", "set_frequency")
# Sizes to try if a macro does not fit.
TRIES = 8


class Design:
    """An accelerator on a board, ready for the flow.

    Parameters
    ----------
    board : Board
    config : MacroConfig or EngineConfig
    macro_only : bool
        A macro between shift registers, in place of the bridge to the host.
    clock : float, optional
        As of `synth`; ValueError if the PLL cannot make it.

    Raises
    ------
    ValueError
        There is no gateware of the configuration.

    Attributes
    ----------
    setting : Setting
        That of the PLL to route with; not with ``macro_only``.
    """

    def __init__(self, board, config, macro_only, clock=None):
        self.board = board
        self.accelerator = accelerator(config)
        self.division = DIVISIONS[self.accelerator.name]
        self.device = DEVICES[board.device]
        self.rest = "harness" if macro_only else "board"
        try:
            platform = board.create_platform()
        except ImportError:
            raise FlowError("amaranth-boards not found: pip install -e '.[fpga]'") from None
        if macro_only:
            top = MeasuredMacro(config=config)
        else:
            self.setting = first_setting(board, clock, self.device)
            top = BoardTop(accelerator=self.accelerator, pll=self.setting, baud=board.baud, flash=board.flash)
        files = platform.prepare(top, name=TOP).files
        fabric = "ecp5" if self.device.family == "ecp5" else "generic"
        module = self.accelerator.module
        self.sources = {f"{module.name}.v": emit(module, fabric=fabric), f"{TOP}.il": files[f"{TOP}.il"]}
        pins = next(text for name, text in files.items() if name.endswith(CONSTRAINTS))
        # A macro alone has the flow's own target, so that a slow board does not hide its speed.
        self.constraints = "".join(line + "\n" for line in pins.splitlines()
                                   if not (macro_only and line.startswith(FREQUENCY)))

    @property
    def synthesis(self):
        """Arguments of `synthesize` and `map_design`."""
        return {"sources": self.sources, "top": TOP, "family": self.device.family, "pads": False,
                "options": self.division.options.get(self.device.family, ""),
                "apart": self.division.apart(TOP, self.accelerator.module.name)}


def synth(board, config, *, macro_only=False, clock=None, check=False, seeds=1, device=None, placer="heap",
          folder=Path("build/synth"), progress=None):
    """Build an accelerator for a board.

    Parameters
    ----------
    board : Board
    config : MacroConfig or EngineConfig
    macro_only : bool
        Measure a macro without the board's bridge; there is no bitstream then.
    clock : float, optional
        Hz of the accelerator's clock, of which the PLL makes the nearest it can; by default the fastest that the placed
        and routed design reaches with a tenth to spare. Not with ``macro_only``.
    check : bool
        Simulate the netlist against the golden model before it is placed; only with ``macro_only``.
    seeds : int
        Number of placements; seeds with which the router does not end are skipped.
    device : Device, optional
        Another speed grade of the board's part.
    placer : str
        As of `place_and_route`.
    folder : Path
        For files of the tools.
    progress : function, optional
        Called with the number of steps done, of ``3 + seeds``, and a description.

    Returns
    -------
    (report, files)
        The content of ``report.json``, and of all files by name.

    Raises
    ------
    FitError, FlowError
        It does not fit; a tool fails; a signal crosses between clocks against the rules of `check_crossings`; the
        design misses a clock.
    ValueError
        The board's PLL cannot make the clock, or there is no gateware of the configuration.
    """
    step = 0

    def show(line=""):
        if progress:
            progress(step, line.removeprefix("Info: ")[:70])

    show("generating")
    design = Design(board, config, macro_only, clock)
    device = device or design.device
    folder = folder / f"{board.name}_{config.name}{'_macro' * macro_only}"
    step, seconds = 1, {}
    with measured(seconds, "synthesis"):
        netlist = synthesize(**design.synthesis, folder=folder, device=device, progress=show)
    clocks = None if macro_only else BoardClocks(board, design.accelerator, design.setting, netlist)
    # Before packing; the counts do not depend on it.
    sites = place_block_rams(folder / "netlist.json", board.device) if placer == "static" else 0
    step = 2
    with measured(seconds, "packing cells"):
        pack_cells(netlist, device, folder, constraints=design.constraints, progress=show)
    show("simulating the netlist" if check else "")
    checked = check_measured_macro(config, netlist) if check else 0
    done = 0

    def place(seed):
        nonlocal step, done
        step = 3 + done
        started = time.perf_counter()
        routed = place_and_route(netlist, device, seed, folder / f"seed_{seed}", constraints=design.constraints,
                                 clocks=clocks and clocks.constraints, placer=placer, progress=show)
        done += 1
        return clocks.of_macro(routed) if clocks else routed, time.perf_counter() - started

    runs = with_seeds(seeds, place)
    step = 3 + seeds
    blocks = Blocks(netlist, design.division.path, design.rest)
    report = make_report(design.accelerator, board, device, macro_only, netlist, blocks, folder / "packed.json", runs)
    files = _files(design, netlist, [routed for routed, _ in runs])
    if clocks:
        with measured(seconds, "bitstream"):
            bitstream, seed, report["clocks"] = clocks.build([routed for routed, _ in runs], clock is None, show)
        report["bitstream"] = {"file": f"{board.name}{bitstream.suffix}", "seed": seed}
        files[report["bitstream"]["file"]] = bitstream.read_bytes()
    return report | {"placer": placer, "block_rams_placed": sites, "checked": checked, "seconds": seconds}, files


@contextmanager
def measured(seconds, name):
    """Store the seconds that the block takes, under a name."""
    started = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - started, 1)


def _files(design, netlist, placements):
    """Verilog, logs and nextpnr's reports of a build, by name."""
    folder = netlist.folder
    files = {"netlist.v": (folder / "netlist.v").read_bytes(), "synthesis.log": (folder / "map.log").read_bytes()}
    files |= {name: text for name, text in design.sources.items() if name.endswith(".v")}
    for routed in placements:
        files |= {f"route_{routed.seed}.log": (routed.folder / "route.log").read_bytes(),
                  f"timing_{routed.seed}.json": (routed.folder / "report.json").read_bytes()}
    return files


def load(usage):
    """The largest utilization of any resource of which the device has more than one."""
    return max(used / available for used, available in usage.values() if available > 1)


def largest(board, config, usage, *, macro_only=False, folder=Path("build/synth"), progress=None):
    """The configuration with the most columns, or with the fewest columns and the most rows, that fits.

    The utilization grows linearly with either; a line through the measured sizes gives the next size to try, with
    synthesis and packing.

    Parameters
    ----------
    usage : dict of str to (int, int)
        Used and available by ``config``, which does not fit.

    Returns
    -------
    MacroConfig or None
        None if not even one row fits.
    """

    def resized(**sizes):
        columns = sizes.get("columns", config.columns)
        return dataclasses.replace(config, **sizes, block_ram_columns=min(config.block_ram_columns, columns))

    def measure(candidate):
        design = Design(board, candidate, macro_only)
        work = folder / f"{board.name}_fit"
        try:
            netlist = synthesize(**design.synthesis, folder=work, device=design.device, progress=progress)
            return load(pack_cells(netlist, design.device, work, constraints=design.constraints, progress=progress))
        except FitError as error:
            return load(error.usage)

    def search(axis, unit, points, **fixed):
        low, high = 0, getattr(config, axis)
        guess = high / points[0][1]
        for _ in range(TRIES):
            if high - low <= unit:
                break
            size = min(max(int(guess) // unit * unit, low + unit), high - unit)
            points.append((size, measure(resized(**fixed, **{axis: size}))))
            low, high = (size, high) if points[-1][1] <= 1 else (low, size)
            (before, load_before), (after, load_after) = points[-2:]
            slope = (load_after - load_before) / (after - before)
            guess = after + (1 - load_after) / slope if slope > 0 else (low + high) / 2
        return resized(**fixed, **{axis: low}) if low else None

    share = load(usage)
    found = None
    if config.columns / share >= config.fuse:
        found = search("columns", config.fuse, [(config.columns, share)])
    return found or search("rows", 1, [(config.rows, share * config.fuse / config.columns)], columns=config.fuse)
