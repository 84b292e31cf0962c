"""Designs for mutation testing: macros, cores, the bridge to a host, and an engine; each with its Verilog and ports."""

from dataclasses import dataclass
from functools import cache

from amaranth.lib.wiring import In

from ...hdl.config.base import Parameters
from ...hdl.core.top import core_ports
from ...hdl.emit import design as emitted
from ...hdl.fabric.design import Design
from ...hdl.macro.ports import is_result, ports
from ...host.board.simulated_board import BOARD_MEMBERS, board_verilog, serial_line
from ...verif.fault_injection.storage import VISIBLE, bench_module, stores
from ...verif.sim.build import Surround

# Writing Verilog takes seconds.
bridged = cache(board_verilog)
# Outputs of a core that count only while another output is high.
QUALIFIED = {
    **{f"m_axis_{name}": "m_axis_tvalid" for name in ("tdata", "tkeep", "tlast", "tuser")},
    "s_axi_bresp": "s_axi_bvalid", "s_axi_rdata": "s_axi_rvalid", "s_axi_rresp": "s_axi_rvalid",
    "wb_dat_r": "wb_ack", "s_apb_prdata": "s_apb_pready", "s_apb_pslverr": "s_apb_pready",
}


@dataclass(frozen=True)
class Pin:
    """A port of a module; ``valid`` is the output that must be high for this one to count, if there is one."""

    name: str
    width: int
    is_input: bool
    valid: str | None = None


@dataclass(frozen=True)
class Emitted:
    """A design that is the Verilog of a configuration.

    Attributes
    ----------
    name : str
        Name of the top module.
    kind : str
        What it is a design of, in tables.
    top_block : str
        Block name of the top module.
    prefix : str
        Of names of blocks of which another design has some of the same name.
    verilog : str
    pins : list of Pin
    """

    config: Parameters
    prefix = ""

    @property
    def name(self):
        return self.config.name

    @property
    def verilog(self):
        return emitted(self.config).text


@dataclass(frozen=True)
class MacroDesign(Emitted):
    """A macro, tested by the regression; attributes as of `Emitted`."""

    kind = top_block = "macro"

    @property
    def pins(self):
        return [Pin("clk", 1, True), Pin("rst", 1, True)] + [
            Pin(port.name, port.shape.width, port.is_input, "o_valid" if is_result(port) else None)
            for port in ports(self.config)]

    def has_mutants(self, module):
        """Whether a module gets mutants in this design; shared modules get them in one design only."""
        return True


@dataclass(frozen=True)
class CoreDesign(Emitted):
    """A core; further attributes as of `Emitted`.

    Attributes
    ----------
    testbenches : tuple of str
        Testbenches of the core.
    environment : dict of str to str
        Environment of the testbenches.
    wrapper : str
        The module that testbenches connect to.
    """

    kind = "core"
    top_block = "core_top"
    wrapper = "mutants"

    @property
    def pins(self):
        return [Pin(port.name, port.width, port.direction == "input", QUALIFIED.get(port.name))
                for port in core_ports(self.config)]

    @property
    def testbenches(self):
        if self.config.bus != "axi":
            return ("tb_bus",)
        # First the one whose first test kills most mutants.
        return ("tb_core", "tb_registers", "tb_core_status", "tb_core_interlocks", "tb_core_races", "tb_core_mixed",
                "tb_core_march", "tb_core_inside")

    @property
    def environment(self):
        return {"BITLINE_CORE_CONFIG": self.config.to_json()}

    def has_mutants(self, module):
        """All modules that differ from the macro's; of a core on another bus, only those that the bus changes."""
        if self.config.bus != "axi":
            return module.name == f"{self.name}_front"
        macro = self.config.macro
        text = module.text.replace(self.name, macro.name)
        return text not in {each.text for each in emitted(macro).modules.values()}

    def surround(self, verilog):
        """The design of the testbenches, with the Verilog of the wrapper."""
        if self.config.bus != "axi":
            return Surround(self.wrapper, {"mutants.sv": verilog}, {}, tuple(pin.name for pin in self.pins))
        root = "dut.image"
        bench = bench_module(self.config, stores(self.config, self.verilog, root), name="bench", dut=self.wrapper,
                             root=root)
        return Surround("bench", {"mutants.sv": verilog, "bench.sv": bench}, {},
                        (*(pin.name for pin in self.pins), *VISIBLE))


@dataclass(frozen=True)
class BoardDesign(Emitted):
    """The bridge to a host before a macro; attributes as of `CoreDesign`."""

    kind = "bridge"
    top_block = "board"
    testbenches = ("tb_link",)
    wrapper = "board"

    @property
    def name(self):
        return f"{self.config.name}_board"

    @property
    def verilog(self):
        # Proofs and replays know one clock.
        return bridged(self.config, self.name, has_one_clock=True) + emitted(self.config).text

    @property
    def pins(self):
        return [Pin(name, member.shape, member.flow == In) for name, member in BOARD_MEMBERS.items()]

    @property
    def environment(self):
        return {"BITLINE_CONFIG": self.config.to_json(), "LINK_FRAMES": "300"}

    def has_mutants(self, module):
        """The modules of the bridge."""
        return module.name.startswith(self.name)

    def surround(self, verilog):
        """The design of the testbenches, with the Verilog of the wrapper."""
        return serial_line(verilog)


@dataclass(frozen=True)
class EngineDesign(Emitted):
    """An engine, tested by drawn programs; attributes as of `CoreDesign`.

    Its mutants are those of the blocks that find and check addresses.
    """

    kind = top_block = "engine"
    wrapper = "mutants"
    prefix = "engine_"
    blocks = ("gather", "patch_addresses", "bounds", "guards", "loader", "window_reader", "pool", "slots")

    @property
    def pins(self):
        return [Pin(port.name, port.width, port.direction == "input")
                for port in Design(self.verilog).modules[self.name].ports.values()]

    def has_mutants(self, module):
        """The modules of these blocks."""
        return module.name.removeprefix(f"{self.name}_") in self.blocks
