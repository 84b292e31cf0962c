"""The macro: drivers, columns, accumulators and controller behind three streams."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .accumulator import ShiftAccumulator
from .adder_tree import TREES
from .column import BitcellColumn
from .controller import Controller
from .driver import WordlineDrivers
from .fuse import Fuse
from .ports import HANDSHAKE, descriptor_layout, input_layout, output_layout, ports, write_layout
from .row_decoder import RowDecoder
from .shared import place

COLUMNS = {"bitcell": BitcellColumn}


class Macro(wiring.Component):
    """``y[c] = sum(w[r, c] * x[r])`` in exact integers, one plane a cycle.

    Latency: ``n`` vectors of ``p`` planes take ``n * p + config.latency`` cycles, the first input's and the last
    result's included, if the streams never pause.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    write : ``In(stream)``
        ``weights[columns]`` of one ``row`` of one ``bank``. Waits while a vector in flight uses the bank; a row or bank
        that does not exist is accepted and changes nothing.
    i : ``In(stream)``
        ``x[rows]``, of which the lowest ``bits`` count (0 counts as 1, more than ``input_bits`` as ``input_bits``),
        ``signed`` or not; ``bank`` to compute with, which must exist; ``accumulate`` to the totals of the vector before
        (there is none after a reset); ``fuse``, the logarithm of how many neighbouring columns make one weight (more
        than the configuration has counts as what it has).
    o : ``Out(stream)``
        One result for each vector, in order: ``y[columns]``, the totals, or ``columns / 2**fuse`` fused results over
        the same bits; ``sum_x``, the total of the inputs. ``o.ready`` enables the pipeline in the same cycle.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        control = place(m, platform, "controller", "controller", Controller, config=self.config)
        drivers = self._add_drivers(m, platform, control)
        decoder = self._add_decoder(m, platform, control)
        totals = [self._add_column(m, platform, control, drivers, decoder, index)
                  for index in range(self.config.columns)]
        sum_x = self._add_ones(m, platform, control, drivers)
        self._add_output(m, platform, control, totals, sum_x)
        return m

    def _add_drivers(self, m, platform, control):
        config = self.config
        drivers = place(m, platform, "drivers", "drivers", WordlineDrivers, rows=config.rows,
                        input_bits=config.input_bits, active_low=TREES[config.tree].active_low)
        payload = self.i.payload
        m.d.comb += [
            control.i_valid.eq(self.i.valid),
            self.i.ready.eq(control.i_ready),
            drivers.x.eq(payload.x),
            control.top.eq(drivers.top),
        ]
        m.d.comb += [control.descriptor[name].eq(payload[name]) for name, _ in descriptor_layout(config)]
        m.d.comb += [getattr(drivers, name).eq(getattr(control, name))
                     for name in ("load", "advance", "bits", "is_signed", "enable", "select")]
        return drivers

    def _add_decoder(self, m, platform, control):
        config = self.config
        decoder = place(m, platform, "row_decoder", "row_decoder", RowDecoder, rows=config.rows, banks=config.banks,
                        width=config.columns * config.weight_bits, active_low=TREES[config.tree].active_low)
        m.d.comb += [
            self.write.ready.eq(control.write_ready),
            control.write_bank.eq(self.write.payload.bank),
            decoder.enable.eq(self.write.valid & self.write.ready),
            decoder.row.eq(self.write.payload.row),
            decoder.bank.eq(self.write.payload.bank),
            decoder.weights.eq(self.write.payload.weights),
        ]
        return decoder

    def _add_column(self, m, platform, control, drivers, decoder, index):
        config = self.config
        column = place(m, platform, f"column_{index}", "column", COLUMNS[config.column], config=config)
        m.d.comb += [
            column.wordline.eq(decoder.wordline),
            column.write_bank.eq(decoder.write_bank),
            column.write_weight.eq(decoder.write_weights.word_select(index, config.weight_bits)),
            column.enable.eq(control.enable),
            column.bank.eq(control.bank),
            column.plane.eq(drivers.plane),
        ]
        return self._add_accumulator(m, platform, control, f"accumulator_{index}", "accumulator", column.sum,
                                     config.accumulator_width, config.total_width)

    def _add_ones(self, m, platform, control, drivers):
        """The column of ones, whose total is ``sum(x)``."""
        config = self.config
        tree = TREES[config.tree]
        ones = place(m, platform, "ones_tree", "ones_tree", tree, rows=config.rows, weight_bits=1, is_signed=False)
        m.d.comb += [
            ones.enable.eq(control.enable),
            ones.weights.eq(0 if tree.active_low else -1),
            ones.plane.eq(drivers.plane),
        ]
        return self._add_accumulator(m, platform, control, "ones_accumulator", "ones_accumulator", ones.sum,
                                     config.sum_x_width, config.sum_x_width)

    def _add_accumulator(self, m, platform, control, name, block, column_sum, width, total_width):
        accumulator = place(m, platform, name, block, ShiftAccumulator, sum_shape=column_sum.shape(), width=width,
                            total_width=total_width, tiles=self.config.tiles)
        m.d.comb += [
            accumulator.sum.eq(column_sum),
            accumulator.enable.eq(control.enable),
            accumulator.first.eq(control.first),
            accumulator.negative.eq(control.negative),
            accumulator.load.eq(control.complete),
            accumulator.add.eq(control.add),
            accumulator.increment.eq(control.increment),
        ]
        return accumulator.total

    def _add_output(self, m, platform, control, totals, sum_x):
        config = self.config
        m.d.comb += [self.o.valid.eq(control.o_valid), control.o_ready.eq(self.o.ready)]
        if config.fuse == 1:
            m.d.comb += [self.o.payload.y.eq(Cat(totals)), self.o.payload.sum_x.eq(sum_x)]
            return
        results = []
        for index in range(0, config.columns, config.fuse):
            fuse = place(m, platform, f"fuse_{index // config.fuse}", "fuse", Fuse, columns=config.fuse,
                         weight_bits=config.weight_bits, total_width=config.total_width,
                         sum_x_width=config.sum_x_width)
            m.d.comb += [
                fuse.load.eq(control.fuse_load),
                fuse.mode.eq(control.fuse_mode),
                fuse.totals.eq(Cat(totals[index:index + config.fuse])),
                fuse.sum_x.eq(sum_x),
            ]
            results.append(fuse.y)
        for stage in range(config.fuse_latency):
            register = Signal(signed(config.sum_x_width), name=f"sum_x_{stage}", reset_less=True)
            with m.If(control.fuse_load[stage]):
                m.d.sync += register.eq(sum_x)
            sum_x = register
        m.d.comb += [self.o.payload.y.eq(Cat(results)), self.o.payload.sum_x.eq(sum_x)]


class FlatMacro(Macro):
    """The macro: ``y[c] = sum(w[r, c] * x[r])`` in exact integers, one plane a cycle."""

    def __init__(self, *, config):
        self.config = config
        wiring.Component.__init__(self, {port.name: (In if port.is_input else Out)(port.shape)
                                         for port in ports(config)})
        for name, layout in (("write", write_layout), ("i", input_layout), ("o", output_layout)):
            setattr(self, name, stream.Signature(layout(config)).create(path=(name,)))

    def elaborate(self, platform):
        m = super().elaborate(platform)
        for port in ports(self.config):
            inner = getattr(self, port.stream)
            inner = getattr(inner, port.field) if port.field in HANDSHAKE else inner.payload[port.field]
            pin = getattr(self, port.name)
            m.d.comb += Value.cast(inner).eq(pin) if port.is_input else pin.eq(Value.cast(inner))
        return m
