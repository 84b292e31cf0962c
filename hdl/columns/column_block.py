"""Blocks of columns: signals of all columns are registered in each block, so that no wire spans the array."""

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from .accumulator import ShiftAccumulator
from .adder_levels import Delays
from .kinds import GATEWARE


def control_layout(config):
    """Control signals of every block; see `ColumnBlock`."""
    return data.StructLayout({
        "bank": range(config.banks),
        "calibrate": int(config.needs_calibration),
        "shift": 1,
        "negative": 1,
        "load": 1,
        "add": int(config.max_accumulations > 1),
        "advance_next": 1,
    })


class ColumnBlock(wiring.Component):
    """Some neighboring columns with their accumulators, and registers for all signals that are broadcast.

    Parameters
    ----------
    config : MacroConfig
    shape : Shape
        Of the columns: one of the macro's, or `OnesShape`.
    columns : int

    Members
    -------
    ready : ``In(1)``
        With a ``result_interval`` of 1: the output is accepted, so the pipeline advances.
    plane : ``In(plane_bits)``
        The wordlines, as columns of the shape take them.
    control : ``In(control_layout)``
        One cycle early: ``bank`` of the plane; ``calibrate``: the calibration plane is at the last addition;
        ``advance_next``: the pipeline advances whatever ``ready`` is; ``load``: the accumulators will hold a vector's
        result. Two cycles early, for the accumulators, of the plane whose sums leave the columns: ``shift``: it is not
        its vector's first; ``negative``: it is the first of a signed vector; ``add`` the result to the total.
    write : ``In(Gateware.column_write_layout)``
        Weights or entries to store; none for the column of ones.
    totals : ``Out(columns * total_width)``
        A total for each column, the first lowest.
    """

    def __init__(self, *, config, shape, columns):
        self.config = config
        self.shape = shape
        self.columns = columns
        self.gateware = GATEWARE[shape.kind]
        self.total_width = shape.total_width(config)
        ports = {
            "ready": In(int(config.result_interval == 1)),
            "plane": In(shape.plane_bits),
            "control": In(control_layout(config)),
            "totals": Out(columns * self.total_width),
        }
        if write := self.gateware.column_write_layout(shape, columns):
            ports["write"] = In(write)
        super().__init__(ports)

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        pipeline_enable = Signal(init=1)
        loads = Signal()
        enable = Signal()
        load = Signal()
        m.d.sync += [pipeline_enable.eq(self.control.advance_next), loads.eq(self.control.load)]
        if self.config.result_interval == 1:
            m.d.comb += [enable.eq(pipeline_enable | self.ready), load.eq(loads & enable)]
        else:
            m.d.comb += [enable.eq(pipeline_enable), load.eq(loads)]
        delays = Delays(m, enable)
        columns = platform.instantiate(m, "columns", self.shape.columns_name(self.columns),
                                       self.gateware.component, config=self.config, shape=self.shape,
                                       columns=self.columns)
        plane = delays.register("plane_copy", self.plane)
        control = {name: delays.register(f"{name}_copy", self.control[name], unsigned(len(self.control[name])))
                   for name, field in self.control.shape() if name not in ("advance_next", "load")}
        control["flip"] = delays.register("flip_copy", self.control.negative ^ self.shape.complements)
        m.d.comb += [columns.enable.eq(enable), columns.plane.eq(plane)]
        control["load"] = load
        self.gateware.connect_columns(m, columns, control["bank"], control["calibrate"])
        if "write" in columns.signature.members:
            self._add_write(m, columns)
        self._add_accumulators(m, platform, columns, control, enable)
        return m

    def _add_write(self, m, columns):
        """Connect the write port; fields that are not registered here are registered before or in the columns."""
        for name, field in self.write.shape():
            source = self.write[name]
            if name in self.gateware.registered:
                register = Signal(field.width, name=f"write_{name}", reset_less=True)
                m.d.sync += register.eq(source)
                source = register
            m.d.comb += columns.write[name].eq(source)

    def _add_accumulators(self, m, platform, columns, control, enable):
        config = self.config
        width = len(columns.sums) // self.columns
        shape = signed(width) if self.shape.is_signed else unsigned(width)
        totals = []
        for index in range(self.columns):
            accumulator = platform.instantiate(
                m, f"accumulator_{index}", self.shape.accumulator, ShiftAccumulator, sum_shape=shape,
                width=self.shape.accumulator_width(config), total_width=self.total_width,
                max_accumulations=config.max_accumulations)
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
