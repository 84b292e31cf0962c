"""The arrays of `bitline bench fpga`, of columns and of DSPs, from configuration to Fmax."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from amaranth.back import rtlil

from ...hdl.config import MacroConfig
from ...hdl.emit import emit
from ...hdl.fabric.emitter import Emitter
from ...hdl.measure.column_array import ColumnArray
from ...hdl.measure.dsp_array import DspArray
from ...hdl.measure.harness import Harness
from ..common.files import write_json
from .block_usage import Blocks, apart
from .families import DEVICES
from .flow import pack_cells, place_and_route, synthesize
from .synth_report import COUNTED, describe_path, versions

DEVICE = DEVICES["LFE5U-85F"]
TOP, ARRAY, HARNESS = "top", "array", "harness"
# Makes the entries of tables; counted apart, with the table writer.
WRITERS = {"entry_adder"}
BITS = 8


@dataclass(frozen=True)
class Kind:
    """One kind of array.

    Parameters
    ----------
    name, title : str
    parameters : dict
        Of `MacroConfig`; None for DSPs.
    fabric : str
        Fabric of its Verilog.
    tuned : bool
        Mapped block by block, with carry pins opened; else by Yosys's default.
    unit : (int, int)
        Rows and columns come in multiples of these.
    in_block_ram : bool
        All tables are in block RAM.
    """

    name: str
    title: str
    parameters: dict = None
    fabric: str = "ecp5"
    tuned: bool = True
    unit: tuple = (1, 1)
    in_block_ram: bool = False

    def resize(self, rows, columns):
        """The largest size of this kind within the requested one, at least one unit."""
        return tuple(max(1, size // unit) * unit for size, unit in zip((rows, columns), self.unit))


TABLE = {"column": "table"}
KINDS = {kind.name: kind for kind in (
    Kind("table", "table in LUT-RAM, 1 bank", TABLE),
    Kind("table_2", "table in LUT-RAM, 2 banks", {**TABLE, "banks": 2}),
    Kind("table_4", "table in LUT-RAM, 4 banks", {**TABLE, "banks": 4}),
    Kind("block_ram", "table in block RAM", TABLE, unit=(9, 3), in_block_ram=True),
    Kind("bitcell", "bitcell, merged multiply", {}),
    Kind("plain", "plain adder tree", {}, fabric="generic", tuned=False),
    Kind("dsp", "MULT18X18D", unit=(BITS, 1)),
)}


@dataclass(frozen=True)
class Array:
    """An array of some kind and size, ready for the flow.

    Parameters
    ----------
    kind : Kind
    rows, columns : int
        Their product is the operations per cycle; DSPs do as many in fewer rows, with all bits of an input at once.
    """

    kind: Kind
    rows: int
    columns: int

    @property
    def name(self):
        """The name of its folder."""
        return f"{self.kind.name}_{self.rows}x{self.columns}"

    @property
    def config(self):
        """The macro of these columns; for DSPs the one with the same products per cycle."""
        in_block_ram = {"block_ram_columns": self.columns} if self.kind.in_block_ram else {}
        return MacroConfig(rows=self.rows, columns=self.columns, weight_bits=BITS, input_bits=BITS,
                           result_interval=2, **in_block_ram, **self.kind.parameters or {})

    @property
    def operations(self):
        """Products per cycle."""
        return self.rows * self.columns

    @property
    def is_dsp(self):
        """Whether it has no macro."""
        return self.kind.parameters is None

    @cached_property
    def component(self):
        """The measured component."""
        if self.is_dsp:
            return DspArray(rows=self.rows // BITS, columns=self.columns, bits=BITS,
                            width=self.config.accumulator_width)
        return ColumnArray(config=self.config)

    @cached_property
    def verilog(self):
        """The generated Verilog of the macro."""
        return emit(self.config, fabric=self.kind.fabric)

    def sources(self):
        """Text by file name."""
        harness = Harness(ARRAY, self.component)
        top = rtlil.convert(harness, name=TOP, ports=harness.pins, platform=Emitter(TOP, "ecp5"), emit_src=False)
        return {f"{TOP}.il": top} if self.is_dsp else {"macro.v": self.verilog, f"{TOP}.il": top}

    def synthesize(self, folder, progress=None):
        """The netlist; modules of the macro other than blocks of columns are left out."""
        blocks = (f"{TOP}/c:* %M",)
        if self.kind.tuned and not self.is_dsp:
            blocks = (f"{TOP}.{ARRAY}/c:* %M", *apart(TOP, self.config.name))
        return synthesize(self.sources(), TOP, "ecp5", folder, apart=blocks, pads=False,
                          opens_carries=self.kind.tuned, progress=progress)


def count_array(netlist, folder, progress=None):
    """Cells and LUT sites of the array, and of its entry adders.

    Returns
    -------
    dict of str to dict
        ``array``, ``writers`` and ``harness``: cells by class, ``lut_sites`` by the family's rule, ``placed_sites`` as
        nextpnr counts them.
    """
    pack_cells(netlist, DEVICE, folder, progress=progress)
    blocks = Blocks(netlist, ARRAY, HARNESS)
    cells, sites = blocks.count(), blocks.count_sites(folder / "packed.json")
    kinds = {"array": cells.keys() - WRITERS - {HARNESS}, "writers": cells.keys() & WRITERS, "harness": {HARNESS}}
    return {part: {key: sum(sites[kind] if key == "placed_sites" else cells[kind][key] for kind in wanted)
                   for key in COUNTED} for part, wanted in kinds.items()}


def place_array(netlist, seed, folder, progress=None):
    """Fmax and critical path of a netlist with a seed: from an earlier run of the same, if there was one.

    RouterError if the router does not end with this seed.
    """
    content = (netlist.folder / "netlist.json").read_bytes()
    key = hashlib.sha256(content + json.dumps([DEVICE.arguments, DEVICE.target, versions()]).encode()).hexdigest()[:12]
    cached = folder / f"placed_{key}_{seed}.json"
    if not cached.exists():
        routed = place_and_route(netlist, DEVICE, seed, folder / f"seed_{seed}", progress=progress)
        path = describe_path(routed.critical_path, Blocks(netlist, ARRAY, HARNESS))
        write_json(cached, {"seed": seed, "fmax_mhz": round(routed.fmax, 3), "critical_path": path})
    return json.loads(cached.read_text(encoding="utf-8"))
