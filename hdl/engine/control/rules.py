"""Rules: what a descriptor must be before it starts."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.checks import FLAGS, MOST_ROW_BYTES, SUMMED_WORDS, WINDOW
from ....golden.engine.descriptor import Flags, Operation
from ....golden.engine.image import Fault
from ....golden.requantize import ROUNDINGS, SHIFTS
from ...config.widths import ceil_log2
from ...fabric.register import registered
from .descriptor import WORD_BITS, record_layout

FAULT = range(max(Fault) + 1)


def before_layout():
    """What is kept of the descriptor before: those of its fields that its follower must suit."""
    return data.StructLayout({"operation": 8, "flags": 8, "channels": 16, "target_height": 16, "target_width": 16,
                              "target": 32, "target_limit": 32})


class Rules(wiring.Component):
    """The first rule of `Fault` that a descriptor breaks, of those for which its fields alone suffice.

    No product is compared: that tensors end before their limits is seen when they are read and written; that their
    elements do not overlap, and that numbers suit those in other sections, is not.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    record : ``In(record_layout)``
        The descriptor.
    before : ``In(before_layout)``
        The one before it, of the program.
    fault : ``Out(FAULT)``
        What is wrong, a cycle after all words but the last of the descriptor, and with that one.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({"record": In(record_layout()), "before": In(before_layout()), "fault": Out(FAULT)})

    def elaborate(self, platform):
        m = Module()
        fields = self.record.fields
        self._is = {kind: fields.operation == kind for kind in Operation}
        self._has = {flag: (fields.flags & int(flag)) != 0 for flag in Flags}
        is_fed = (self.before.flags & int(Flags.FEEDS)) != 0
        breaks = {
            Fault.OPERATION: self._operation(fields), Fault.NUMBER: self._numbers(fields),
            Fault.NEIGHBOR: self._neighbors(fields, is_fed), **self._limits(fields, is_fed),
            Fault.TILE: self._is[Operation.CONV] & self._tiles(fields),
            Fault.PARAMETER: self._parameters(m, fields),
            Fault.UNIT: self._is[Operation.DEPTHWISE] & self._depthwise(m, fields),
        }
        # The image as a whole is not seen here, and what only END has of these is its source.
        for fault in sorted(breaks, reverse=True):
            broken = Signal(name=f"breaks_{fault.name.lower()}", reset_less=True)
            is_seen = 1 if fault in (Fault.OPERATION, Fault.NEIGHBOR, Fault.SOURCE) else ~self._is[Operation.END]
            m.d.sync += broken.eq(breaks[fault] & is_seen)
            with m.If(broken):
                m.d.comb += self.fault.eq(fault)
        # The last word of a descriptor, which is not in the registers yet when the others are.
        with m.If(fields.spare[-WORD_BITS:] != 0):
            m.d.comb += self.fault.eq(Fault.OPERATION)
        return m

    def _any_of(self, *operations):
        return reduce(or_, (self._is[operation] for operation in operations))

    def _operation(self, fields):
        wrong = reduce(or_, (self._is[kind] & ((fields.flags & (0xff & ~int(flags))) != 0)
                             for kind, flags in FLAGS.items()))
        is_empty = self._is[Operation.END] & (fields.depth == 0)
        return (fields.operation > max(Operation)) | wrong | (fields.spare[:-WORD_BITS] != 0) | is_empty

    def _numbers(self, fields):
        is_conv, is_add = self._is[Operation.CONV], self._is[Operation.ADD]
        names = ((1, ("source_height", "source_width", "depth", "target_height", "target_width", "channels")),
                 (~is_add, ("tall", "wide", "step_y", "step_x")),
                 (is_conv, ("outputs", "block_height", "block_width", "part_rows", "strip")))
        empty = reduce(or_, (applies & Cat(fields[name] == 0 for name in group).any()
                             for applies, group in names))
        adds = self._has[Flags.RESIDUAL] | is_add
        return (empty | (fields.rounding >= len(ROUNDINGS)) | (fields.low > fields.high) |
                (adds & ((fields.term_shift < SHIFTS[0]) | (fields.term_shift > 0) | (fields.term_multiplier < 0))) |
                ((adds | self._is[Operation.POOL]) & (fields.sum_low > fields.sum_high)))

    def _neighbors(self, fields, is_fed):
        before, summed = self.before, self._has[Flags.SUMS]
        suits = ((self.record.products.rows == before.channels) & (fields.part_rows >= before.channels) &
                 (fields.channels <= fields.outputs) & (fields.block_height == 1) & (fields.block_width == 1) &
                 ~self._has[Flags.RESIDUAL] & (fields.target_height == before.target_height) &
                 (fields.target_width == before.target_width) & (fields.target == before.target) &
                 (fields.target_limit == before.target_limit))
        is_summed = ((before.operation == Operation.CONV) & ((before.flags & int(Flags.SUMS)) != 0) &
                     (before.channels == fields.channels) & (fields.target_height == 1) & (fields.target_width == 1) &
                     ~self._has[Flags.MAXIMUM])
        most = SUMMED_WORDS * self.config.lanes
        return ((is_fed & (~self._is[Operation.CONV] | ~suits)) | (summed & (fields.channels > most)) |
                (self._is[Operation.POOL] & summed & ~is_summed))

    def _limits(self, fields, is_fed):
        def is_beyond(name):
            return (fields[name] > fields[f"{name}_limit"]) | (fields[f"{name}_limit"] > self.config.activation_bytes)

        def meets_target(name):
            return (fields[f"{name}_limit"] > fields.target) & (fields.target_limit > fields[name])

        is_add = self._is[Operation.ADD]
        is_other_size = ((fields.source_height != fields.target_height) | (fields.source_width != fields.target_width))
        is_same = ((fields.residual == fields.target) & (fields.residual_pitch == fields.target_pitch) &
                   (fields.residual_pixel == fields.target_pixel))
        # END has no target.
        source = is_beyond("source") | (~self._is[Operation.END] & meets_target("source")) | (is_add & is_other_size)
        is_summed = self._is[Operation.POOL] & self._has[Flags.SUMS]
        # Addresses of patches are found for rows that the memory has room for.
        products = self.record.products
        is_long = self._is[Operation.CONV] & products.is_dense & (products.row_bytes > self.config.activation_bytes)
        return {Fault.SOURCE: ~is_fed & ~is_summed & (source | is_long),
                Fault.TARGET: ~self._has[Flags.FEEDS] & is_beyond("target"),
                Fault.RESIDUAL: ((self._has[Flags.RESIDUAL] | is_add) &
                                 (is_beyond("residual") | (~is_same & meets_target("residual"))))}

    def _tiles(self, fields):
        lanes, rows, products = self.config.lanes, self.config.macro.rows, self.record.products
        is_step_long = (fields.target_width > fields.block_width) & (products.step_x_bytes > MOST_ROW_BYTES)
        is_long = is_step_long | (products.left < -MOST_ROW_BYTES)
        return ((fields.part_rows > rows) | (fields.split > 1) | (products.pixel_bytes > MOST_ROW_BYTES) |
                (products.is_dense & is_long) |
                ((fields.outputs & (lanes - 1) != 0) & (fields.outputs < fields.channels)))

    def _parameters(self, m, fields):
        slots, lanes = self.config.parameter_slots, self.config.lanes
        own = registered(m, "own", fields.parameters + ((fields.channels + (lanes - 1)) >> ceil_log2(lanes)))
        has_sum = self._has[Flags.RESIDUAL] | self._any_of(Operation.ADD, Operation.POOL)
        return ((self._any_of(Operation.CONV, Operation.DEPTHWISE) & (own > slots)) |
                (has_sum & (fields.sum_slot >= slots)))

    def _depthwise(self, m, fields):
        config = self.config
        if not config.depthwise:
            return 1
        lanes, channels, pixel = config.lanes, fields.channels, fields.source_pixel
        cycles, words = ((channels + (size - 1)) >> ceil_log2(size) for size in (config.depthwise, lanes))
        divides = reduce(or_, (pixel == 1 << bit for bit in range(ceil_log2(lanes))))
        rows = fields.source_pitch[ceil_log2(lanes):]
        is_spread = (fields.source_pitch[:ceil_log2(lanes)] == 0) & (rows[0] | (fields.source_height == 1))
        # Windows see the source: the first ones and the last ones.
        first_y, first_x, last_y, last_x = (registered(m, name, value) for name, value in (
            ("first_y", fields.top + fields.tall), ("first_x", fields.left + fields.wide),
            ("last_y", fields.top + Mux(fields.step_y == 2, fields.target_height << 1, fields.target_height) -
             fields.step_y), ("last_x", fields.left + self.record.products.span - fields.step_x)))
        is_unseen = ((first_y <= 0) | (first_x <= 0) | (last_y >= fields.source_height) |
                     (last_x >= fields.source_width))
        return (is_unseen | (fields.tall > WINDOW) | (fields.wide > WINDOW) | (fields.step_y > 2) |
                (fields.step_x > 2) |
                (channels != fields.depth) | (channels > config.most_depthwise_channels) |
                (cycles < Mux(fields.step_x == 2, words << 1, words)) |
                ~((pixel & (lanes - 1) == 0) | divides) | (fields.source & (lanes - 1) != 0) |
                ~is_spread)
