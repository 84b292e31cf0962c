"""Blocks of columns: what all columns need is registered once for each block, so that no wire spans the array."""

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.tables import ceil_log2
from ..fabric.emitter import Platform
from .accumulator import ShiftAccumulator
from .adder_levels import Delays, Node, sum_level
from .adder_tree import TREES
from .bitcell_columns import BitcellColumns, write_layout
from .table_columns import TableColumns, entry_layout


def control_layout(config):
    """What the controller tells every block; see `ColumnBlock`."""
    return data.StructLayout({
        "bank": range(config.banks),
        "calibrate": int(config.calibrates),
        "shift": 1,
        "negative": 1,
        "load": 1,
        "add": int(config.tiles > 1),
        "move": 1,
    })


class OnesColumn(wiring.Component):
    """The column whose weights are all one: the number of ones of a plane, after as many cycles as other columns take.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    enable : ``In(1)``
        Move on.
    plane : ``In(rows)``
    sums : ``Out(ceil(log2(rows + 1)))``
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "enable": In(1),
            "plane": In(config.rows),
            "sums": Out(config.rows.bit_length()),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        delays = Delays(m, self.enable)
        active_low = TREES[self.config.tree].active_low
        # As many rows at once as leave one adder level for each cycle.
        group = 1 << max(0, ceil_log2(self.config.rows) + 1 - self.config.column_latency)
        nodes = []
        for first in range(0, self.config.rows, group):
            bits = self.plane[first:first + group]
            count = Signal(len(bits).bit_length(), name=f"count_{first}")
            m.d.comb += count.eq(sum(~bit if active_low else bit for bit in bits))
            nodes.append(Node(delays.register(f"ones_{first}", count), 0, len(bits)))
        for level in range(self.config.column_latency - 1):
            (nodes,) = sum_level(m, platform, delays, f"level{level + 1}", [nodes])
        m.d.comb += self.sums.eq(nodes[0].value)
        return m


class ColumnBlock(wiring.Component):
    """Some neighboring columns with their accumulators, and registers of their own for all that is broadcast.

    Parameters
    ----------
    config : MacroConfig
    storage : str
        ``"bitcell"``, ``"lut_ram"``, ``"block_ram"``, or ``"ones"`` for the column of ones.
    columns : int

    Members
    -------
    ready : ``In(1)``
        The output moves on, and so does the block, with a ``result_interval`` of 1.
    plane : ``In``
        The wordlines, coded for tables in LUT-RAM.
    control : ``In(control_layout)``
        ``bank`` of the plane; ``calibrate``: the plane of zeros is before the last addition; ``move``: no result will
        find the one before it at the output; ``load``: the accumulators will hold a vector's result. These one cycle
        early; two cycles early what goes to the accumulators: of the plane whose sums come out of the columns, whether
        it is not its vector's first (``shift``), or first of a signed one (``negative``); ``add`` the result to the
        total.
    write : ``In``
        From the row decoder or the table writer; none for the column of ones.
    totals : ``Out(columns * total_width)``
    """

    def __init__(self, *, config, storage, columns):
        self.config = config
        self.storage = storage
        self.columns = columns
        self.total_width = config.sum_x_width if storage == "ones" else config.total_width
        ports = {
            "ready": In(int(config.result_interval == 1)),
            "plane": In(config.tables[storage].plane_bits if storage in config.tables else config.rows),
            "control": In(control_layout(config)),
            "totals": Out(columns * self.total_width),
        }
        if storage == "bitcell":
            ports["write"] = In(write_layout(config, columns))
        elif storage != "ones":
            ports["write"] = In(entry_layout(config.tables[storage], columns))
        super().__init__(ports)

    def _place_columns(self, m, platform):
        config = self.config
        parameters = {"config": config, "columns": self.columns}
        if self.storage == "ones":
            return platform.instantiate(m, "columns", "ones_column", OnesColumn, config=config)
        if self.storage == "bitcell":
            return platform.instantiate(m, "columns", f"bitcell_columns_{self.columns}", BitcellColumns, **parameters)
        return platform.instantiate(m, "columns", f"{self.storage}_columns_{self.columns}", TableColumns,
                                    shape=config.tables[self.storage], **parameters)

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        moves, loads, enable, load = Signal(init=1), Signal(), Signal(), Signal()
        m.d.sync += [moves.eq(self.control.move), loads.eq(self.control.load)]
        if self.config.result_interval == 1:
            m.d.comb += [enable.eq(moves | self.ready), load.eq(loads & enable)]
        else:
            m.d.comb += [enable.eq(moves), load.eq(loads)]
        delays = Delays(m, enable)
        columns = self._place_columns(m, platform)
        plane = delays.register("plane_copy", self.plane)
        control = {name: delays.register(f"{name}_copy", self.control[name], unsigned(len(self.control[name])))
                   for name, field in self.control.shape() if name not in ("move", "load")}
        # Columns in offset binary give the complement of their sums.
        control["flip"] = delays.register("flip_copy", self.control.negative ^ (self.storage == "lut_ram"))
        m.d.comb += [columns.enable.eq(enable), columns.plane.eq(plane)]
        control["load"] = load
        ports = columns.signature.members
        m.d.comb += [getattr(columns, name).eq(control[name]) for name in ("bank", "calibrate") if name in ports]
        if "write" in ports:
            self._add_write(m, columns)
        self._add_accumulators(m, platform, columns, control, enable)
        return m

    def _add_write(self, m, columns):
        """Hand on the write; what tables take is registered here, the rest by lanes or before by the row decoder."""
        for name, field in self.write.shape():
            source = self.write[name]
            if self.storage != "bitcell" and name in ("select", "address", "bank"):
                register = Signal(field.width, name=f"write_{name}", reset_less=True)
                m.d.sync += register.eq(source)
                source = register
            m.d.comb += columns.write[name].eq(source)

    def _add_accumulators(self, m, platform, columns, control, enable):
        config = self.config
        width = len(columns.sums) // self.columns
        shape = unsigned(width) if self.storage == "ones" else signed(width)
        accumulator_width = config.sum_x_width if self.storage == "ones" else config.accumulator_width
        totals = []
        for index in range(self.columns):
            block = "ones_accumulator" if self.storage == "ones" else "accumulator"
            accumulator = platform.instantiate(m, f"accumulator_{index}", block, ShiftAccumulator, sum_shape=shape,
                                               width=accumulator_width, total_width=self.total_width,
                                               tiles=config.tiles)
            m.d.comb += [
                accumulator.sum.eq(columns.sums.word_select(index, width)),
                accumulator.enable.eq(enable),
                accumulator.flip.eq(control["flip"]),
                accumulator.carry.eq(control["negative"]),
                accumulator.shift.eq(control["shift"]),
                accumulator.load.eq(control["load"]),
                accumulator.add.eq(control["add"]),
            ]
            totals.append(accumulator.total)
        m.d.comb += self.totals.eq(Cat(totals))
