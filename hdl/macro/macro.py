"""The macro: drivers, columns, accumulators and controller behind three streams."""

import itertools

from amaranth.hdl import Cat, Fragment, Module, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..columns.column_block import ColumnBlock
from ..columns.kinds import GATEWARE
from ..config.ones import OnesShape
from ..fabric.emitter import Platform
from .broadcast import Broadcast
from .controller import Controller
from .deep_controller import DeepController
from .deep_drivers import DeepDrivers
from .fuse import Fuse
from .ports import PORT_MEANINGS, descriptor_layout, input_layout, output_layout, port_values, ports, write_layout
from .wordline_drivers import WordlineDrivers

# Neighboring blocks that share the registers of a broadcast.
BROADCAST_BLOCKS = 4


class Macro(wiring.Component):
    """``y[c] = sum(w[r, c] * x[r])`` in exact integers, one plane a cycle.

    Latency: ``n`` vectors of ``p`` planes take ``n * p + config.latency`` cycles, the first input's and the last
    result's included, if the streams never pause.

    Parameters
    ----------
    config : MacroConfig
    has_plane_mask : bool
        Each vector comes with a mask of the planes that can change its result; see `WordlineDrivers`.
    in_order : bool
        Rows of a bank are written in order, from the first one on; inputs of vectors that use fewer are zero behind
        them. Then tables need no memory that holds all rows, see `TableWriter`.

    Members
    -------
    write : ``In(stream)``
        ``weights[columns]`` of one ``row`` of one ``bank``. Waits while a vector in flight uses the bank. A row or bank
        that does not exist is accepted and ignored.
    i : ``In(stream)``
        ``x[rows]``, of which the lowest ``bits`` are used (0 counts as 1, more than ``input_bits`` as ``input_bits``);
        ``signed``: two's complement; ``bank`` to compute with, which must exist; ``accumulate``: add to the totals of
        the vector before (ignored for the first after a reset); ``fuse``: logarithm of how many neighboring columns are
        one weight (limited to that of the configuration).
    o : ``Out(stream)``
        One result for each vector, in order: ``y[columns]``, the totals, or ``columns / 2**fuse`` fused results over
        the same bits; ``sum_x``, the total of the inputs. ``o.ready`` enables the pipeline in the same cycle.
    """

    has_plane_mask = in_order = False

    def __init__(self, *, config, has_plane_mask=False, in_order=False):
        self.config = config
        self.has_plane_mask, self.in_order = has_plane_mask, in_order
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config, has_plane_mask))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        control = platform.instantiate(m, "controller", "controller",
                                       DeepController if self.config.is_deep else Controller, config=self.config)
        drivers = self._add_drivers(m, platform, control)
        gateware = GATEWARE[self.config.column]
        writes = gateware.add_writers(m, platform, self.config, self.write, control, self.in_order)
        planes = gateware.add_planes(m, platform, self.config, drivers.plane)
        ones_shape = OnesShape(self.config.rows, self.config.column_latency)
        blocks = [*self.config.blocks, (ones_shape, 1)]
        *sources, ones_source = self._broadcast(m, platform, control.control, {**planes, ones_shape: drivers.plane},
                                                [shape for shape, _ in blocks])
        totals, placed = [], dict.fromkeys(writes, 0)
        for index, ((shape, columns), source) in enumerate(zip(self.config.blocks, sources)):
            block = self._add_block(m, platform, source, f"block_{index}", shape, columns)
            for name, _ in block.write.shape():
                value = writes[shape][name]
                if name == "weights":
                    value = value[placed[shape]:placed[shape] + columns]
                m.d.comb += Value.cast(block.write[name]).eq(Value.cast(value))
            placed[shape] += columns
            totals.append(block.totals)
        ones = self._add_block(m, platform, ones_source, "ones", ones_shape, 1)
        self._add_output(m, platform, control, Cat(totals), ones.totals.as_signed())
        return m

    def _add_drivers(self, m, platform, control):
        config = self.config
        active_low = GATEWARE[config.column].active_low(config)
        drivers = platform.instantiate(m, "drivers", "drivers", DeepDrivers if config.is_deep else WordlineDrivers,
                                       rows=config.rows, input_bits=config.input_bits, active_low=active_low,
                                       has_plane_mask=self.has_plane_mask)
        payload = self.i.payload
        m.d.comb += [
            control.i_valid.eq(self.i.valid),
            self.i.ready.eq(control.i_ready),
            drivers.x.eq(payload.x),
        ]
        m.d.comb += [control.descriptor[name].eq(payload[name]) for name, _ in descriptor_layout(config)]
        if self.has_plane_mask:
            m.d.comb += drivers.plane_mask.eq(payload.plane_mask)
        # How the highest plane is found, and planes are chosen, is between these two.
        for name, member in drivers.signature.members.items():
            if name in control.signature.members:
                mine, other = getattr(drivers, name), getattr(control, name)
                m.d.comb += mine.eq(other) if member.flow == In else other.eq(mine)
        return drivers

    def _broadcast(self, m, platform, control, planes, shapes):
        """Control signals and plane of each block, given the shapes of the blocks and the plane for each shape."""
        if not self.config.broadcast:
            return [(control, planes[shape]) for shape in shapes]
        found = []
        for first in range(0, len(shapes), BROADCAST_BLOCKS):
            group = shapes[first:first + BROADCAST_BLOCKS]
            forms = list(dict.fromkeys(group))
            widths = tuple(len(planes[shape]) for shape in forms)
            one = platform.instantiate(m, f"broadcast_{first // BROADCAST_BLOCKS}",
                                       f"broadcast_{'_'.join(shape.storage for shape in forms)}", Broadcast,
                                       config=self.config, widths=widths)
            m.d.comb += [Value.cast(one.control).eq(Value.cast(control)),
                         one.plane.eq(Cat(planes[shape] for shape in forms))]
            starts = dict(zip(forms, itertools.accumulate(widths, initial=0)))
            found += [(one.to_blocks, one.plane_to_blocks[starts[shape]:starts[shape] + len(planes[shape])])
                      for shape in group]
        return found

    def _add_block(self, m, platform, source, name, shape, columns):
        control, plane = source
        block = platform.instantiate(m, name, shape.block_name(columns), ColumnBlock, config=self.config, shape=shape,
                                     columns=columns)
        m.d.comb += [
            block.ready.eq(self.o.ready),
            block.plane.eq(plane),
            Value.cast(block.control).eq(Value.cast(control)),
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

    meanings = PORT_MEANINGS

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.is_input else Out)(port.shape) for port in ports(config)})

    def elaborate(self, platform):
        macro = Macro(config=self.config)
        # Add the ports to the macro's own module, so that its blocks are in the top module.
        fragment = Fragment.get(macro, platform)
        inner = port_values(macro)
        for (name,), member, pin in self.signature.flatten(self):
            fragment.add_statements("comb", inner[name].eq(pin) if member.flow == In else pin.eq(inner[name]))
        return fragment
