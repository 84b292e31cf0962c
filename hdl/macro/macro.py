"""The macro: drivers, columns, accumulators and controller behind three streams."""

from amaranth.hdl import Cat, Fragment, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..columns.adder_tree import TREES
from ..columns.column_block import ColumnBlock
from ..columns.offset_encoder import OffsetEncoder
from ..columns.table_writer import TableWriter
from ..fabric.emitter import Platform
from .controller import Controller
from .fuse import Fuse
from .ports import descriptor_layout, input_layout, output_layout, port_values, ports, write_layout
from .row_decoder import RowDecoder
from .wordline_drivers import WordlineDrivers


class Macro(wiring.Component):
    """``y[c] = sum(w[r, c] * x[r])`` in exact integers, one plane a cycle.

    Latency: ``n`` vectors of ``p`` planes take ``n * p + config.latency`` cycles, the first input's and the last
    result's included, if the streams never pause.

    Parameters
    ----------
    config : MacroConfig
    told : bool
        Which planes of a vector matter comes with it, as `WordlineDrivers` says.

    Members
    -------
    write : ``In(stream)``
        ``weights[columns]`` of one ``row`` of one ``bank``. Waits while a vector in flight uses the bank; a row or bank
        that does not exist is accepted and changes nothing.
    i : ``In(stream)``
        ``x[rows]``, of which the lowest ``bits`` count (0 counts as 1, more than ``input_bits`` as ``input_bits``),
        ``signed`` or not; ``bank`` to compute with, which must exist; ``accumulate`` to the totals of the vector before
        (there is none after a reset); ``fuse``, the logarithm of how many neighboring columns make one weight (more
        than the configuration has counts as what it has).
    o : ``Out(stream)``
        One result for each vector, in order: ``y[columns]``, the totals, or ``columns / 2**fuse`` fused results over
        the same bits; ``sum_x``, the total of the inputs. ``o.ready`` enables the pipeline in the same cycle.
    """

    told = False

    def __init__(self, *, config, told=False):
        self.config = config
        self.told = told
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config, told))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        control = platform.instantiate(m, "controller", "controller", Controller, config=self.config)
        drivers = self._add_drivers(m, platform, control)
        writes = self._add_writers(m, platform, control) if self.config.tables else self._add_decoder(
            m, platform, control)
        planes = self._encode(m, platform, drivers.plane)
        totals, placed = [], dict.fromkeys(writes, 0)
        for index, (storage, columns) in enumerate(self.config.blocks):
            block = self._add_block(m, platform, control, planes[storage], f"block_{index}", storage, columns)
            for name, _ in block.write.shape():
                source = writes[storage][name]
                if name == "weights":
                    source = source[placed[storage]:placed[storage] + columns]
                m.d.comb += Value.cast(block.write[name]).eq(Value.cast(source))
            placed[storage] += columns
            totals.append(block.totals)
        ones = self._add_block(m, platform, control, drivers.plane, "ones", "ones", 1)
        self._add_output(m, platform, control, Cat(totals), ones.totals.as_signed())
        return m

    def _add_drivers(self, m, platform, control):
        config = self.config
        drivers = platform.instantiate(m, "drivers", "drivers", WordlineDrivers, rows=config.rows,
                                       input_bits=config.input_bits, active_low=TREES[config.tree].active_low,
                                       told=self.told)
        payload = self.i.payload
        m.d.comb += [
            control.i_valid.eq(self.i.valid),
            self.i.ready.eq(control.i_ready),
            drivers.x.eq(payload.x),
            control.top.eq(drivers.top),
        ]
        m.d.comb += [control.descriptor[name].eq(payload[name]) for name, _ in descriptor_layout(config)]
        m.d.comb += [
            drivers.load.eq(control.load),
            drivers.advance.eq(control.advance),
            drivers.enable.eq(control.enable),
            drivers.select.eq(control.select),
        ]
        if self.told:
            m.d.comb += drivers.matters.eq(payload.matters)
        else:
            m.d.comb += [drivers.bits.eq(control.bits), drivers.is_signed.eq(control.is_signed)]
        return drivers

    def _encode(self, m, platform, plane):
        """The wordlines as each kind of storage takes them."""
        planes = {"bitcell": plane, "block_ram": plane}
        if "lut_ram" in self.config.tables:
            encoder = platform.instantiate(m, "encoder", "encoder", OffsetEncoder, shape=self.config.tables["lut_ram"])
            m.d.comb += encoder.plane.eq(plane)
            planes["lut_ram"] = encoder.codes
        return planes

    def _add_decoder(self, m, platform, control):
        """What goes to the blocks of bitcells."""
        config, payload = self.config, self.write.payload
        decoder = platform.instantiate(m, "row_decoder", "row_decoder", RowDecoder, rows=config.rows,
                                       banks=config.banks, width=config.columns * config.weight_bits,
                                       active_low=TREES[config.tree].active_low)
        m.d.comb += [
            self.write.ready.eq(control.write_ready),
            control.write_bank.eq(payload.bank),
            decoder.enable.eq(self.write.valid & self.write.ready),
            decoder.row.eq(payload.row),
            decoder.bank.eq(payload.bank),
            decoder.weights.eq(payload.weights),
        ]
        weights = data.ArrayLayout(signed(config.weight_bits), config.columns)
        return {"bitcell": {"wordline": decoder.wordline, "bank": decoder.write_bank,
                            "weights": data.View(weights, decoder.write_weights)}}

    def _add_writers(self, m, platform, control):
        """What goes to the blocks of tables, by their storage."""
        config, payload = self.config, self.write.payload
        taken = Signal()
        m.d.comb += [
            taken.eq(self.write.valid & self.write.ready),
            control.write_bank.eq(payload.bank),
            control.write_taken.eq(taken),
        ]
        writers, first = {}, 0
        for storage, shape in config.tables.items():
            columns = sum(count for kind, count in config.blocks if kind == storage)
            writers[storage] = writer = platform.instantiate(m, f"{storage}_writer", f"{storage}_writer", TableWriter,
                                                             shape=shape, columns=columns)
            m.d.comb += [
                writer.taken.eq(taken),
                writer.row.eq(payload.row),
                writer.bank.eq(payload.bank),
                Value.cast(writer.weights).eq(Value.cast(payload.weights[first:first + columns])),
                writer.wanted.eq(control.wanted),
                writer.wanted_bank.eq(control.wanted_bank),
            ]
            first += columns
        m.d.comb += [
            self.write.ready.eq(control.write_ready & Cat(writer.ready for writer in writers.values()).all()),
            control.busy.eq(Cat(writer.busy for writer in writers.values()).any()),
        ]
        return {storage: writer.write for storage, writer in writers.items()}

    def _add_block(self, m, platform, control, plane, name, storage, columns):
        kind = "ones" if storage == "ones" else f"{storage}_block_{columns}"
        block = platform.instantiate(m, name, kind, ColumnBlock, config=self.config, storage=storage, columns=columns)
        m.d.comb += [
            block.ready.eq(self.o.ready),
            block.plane.eq(plane),
            Value.cast(block.control).eq(Value.cast(control.control)),
        ]
        return block

    def _add_output(self, m, platform, control, totals, sum_x):
        config = self.config
        m.d.comb += [self.o.valid.eq(control.o_valid), control.o_ready.eq(self.o.ready)]
        if config.fuse == 1:
            m.d.comb += [self.o.payload.y.eq(totals), self.o.payload.sum_x.eq(sum_x)]
            return
        results = []
        for index in range(0, config.columns, config.fuse):
            fuse = platform.instantiate(m, f"fuse_{index // config.fuse}", "fuse", Fuse, columns=config.fuse,
                                        weight_bits=config.weight_bits, total_width=config.total_width,
                                        sum_x_width=config.sum_x_width)
            m.d.comb += [
                fuse.load.eq(control.fuse_load),
                fuse.mode.eq(control.fuse_mode),
                fuse.totals.eq(totals.word_select(index // config.fuse, config.fuse * config.total_width)),
                fuse.sum_x.eq(sum_x),
            ]
            results.append(fuse.y)
        for stage in range(config.fuse_latency):
            register = Signal(signed(config.sum_x_width), name=f"sum_x_{stage}", reset_less=True)
            with m.If(control.fuse_load[stage]):
                m.d.sync += register.eq(sum_x)
            sum_x = register
        m.d.comb += [self.o.payload.y.eq(Cat(results)), self.o.payload.sum_x.eq(sum_x)]


class FlatMacro(wiring.Component):
    """The macro: ``y[c] = sum(w[r, c] * x[r])`` in exact integers, one plane a cycle.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    As `ports` names them.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.is_input else Out)(port.shape) for port in ports(config)})

    def elaborate(self, platform):
        macro = Macro(config=self.config)
        # In one module, where scripts and users find its blocks.
        fragment = Fragment.get(macro, platform)
        inner = port_values(macro)
        for (name,), member, pin in self.signature.flatten(self):
            fragment.add_statements("comb", inner[name].eq(pin) if member.flow == In else pin.eq(inner[name]))
        return fragment
