"""Block input: beats of codes to vectors of the macro, with the tags of their sums."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..macro.ports import input_layout
from .by_format import by_format, is_known
from .element_decoder import decode
from .layouts import numbers_layout, tag_layout, vector_beat_layout


class BlockInput(wiring.Component):
    """Decodes and gathers the elements of a vector, and passes it to the macro, in parts if its integers are wide.

    A vector is offered in the cycle after its last beat, and the next one is gathered once its last part is taken.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    i : ``In(stream)``
        `vector_beat_layout`. ``last`` before a vector's last beat cuts it off; what is there of it then goes to the
        macro, and is marked in its tag.
    whole : ``In(banks)``
        Banks whose weights and scales are complete.
    numbers : ``In(ArrayLayout(number_bits, banks))``
        Of the formats of their weights. Exists if there are several.
    o : ``Out(stream)``
        Of the macro.
    enters : ``Out(1)``
        For a cycle: a vector ends.
    enters_bank : ``Out(range(banks))``
        It uses this bank.
    tag : ``Out(stream)``
        `tag_layout`, with the last part. While it is not ready, no vector goes to the macro.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(vector_beat_layout(config))), "whole": In(config.macro.banks),
            **({"numbers": In(numbers_layout(config))} if config.w.is_several else {}),
            "o": Out(stream.Signature(input_layout(config.macro))), "enters": Out(1),
            "enters_bank": Out(range(config.macro.banks)), "tag": Out(stream.Signature(tag_layout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        config, beat = self.config, self.i.payload
        position = Signal(range(config.beats))
        full = Signal()
        accepted = Signal()
        ends = Signal()
        taken = Signal()
        held = Signal(data.ArrayLayout(unsigned(config.x.integer_bits), config.macro.rows), reset_less=True)
        tag = Signal(tag_layout(config), reset_less=True)
        number = Signal(config.x.number_bits)
        m.d.comb += number.eq(Mux(position == 0, beat.number, tag.number))
        weight_number = self.numbers[beat.bank] if config.w.is_several else Const(0, 0)
        integers, are_nan = decode(m, Platform.of(platform), config.x, number, beat.codes)
        raised = (by_format(m, "vector_raised", config.x, number, config.x.raised)
                  + by_format(m, "weights_raised", config.w, weight_number, config.w.raised))
        format_is_known = is_known(m, "format_is_known", config.x, number)
        m.d.comb += [
            self.i.ready.eq(~full | taken),
            accepted.eq(self.i.valid & self.i.ready),
            ends.eq((position == config.beats - 1) | beat.last),
        ]
        with m.If(accepted):
            m.d.sync += [
                # The first row comes first, and ends up lowest.
                Value.cast(held).eq(Cat(Value.cast(held)[len(integers):], integers)),
                position.eq(Mux(ends, 0, position + 1)),
                *(tag[name].eq(beat[name]) for name in ("scale", "base", "bank", "last")),
                tag.number.eq(number),
                tag.raised.eq(raised),
                tag.is_nan.eq(are_nan.any() | (position != 0) & tag.is_nan),
                tag.is_lost.eq((position != config.beats - 1) | ~self.whole.bit_select(beat.bank, 1)
                               | ~format_is_known),
            ]
        m.d.sync += full.eq(Mux(accepted, ends, full & ~taken))
        m.d.comb += [self.tag.payload.eq(tag), self.enters.eq(accepted & ends), self.enters_bank.eq(beat.bank)]
        self._offer(m, full, held, tag, taken)
        return m

    def _offer(self, m, full, held, tag, taken):
        """The parts of the vector, the lowest first."""
        config, payload, width = self.config, self.o.payload, self.config.macro.input_bits
        part = Signal(range(config.parts))
        is_last_part = part == by_format(m, "last_part", config.x, tag.number, config.last_part_of)
        passed = self.o.valid & self.o.ready
        with m.If(passed):
            m.d.sync += part.eq(Mux(is_last_part, 0, part + 1))
        for row, integer in enumerate(held):
            signed_integer = Signal(signed(config.parts * width), name=f"integer_{row}")
            m.d.comb += signed_integer.eq(integer.as_signed())
            pieces = Array(signed_integer[first:first + width] for first in range(0, config.parts * width, width))
            m.d.comb += payload.x[row].eq(pieces[part])
        m.d.comb += [
            self.o.valid.eq(full & self.tag.ready),
            payload.bits.eq(by_format(m, "planes", config.x, tag.number, config.planes_of)),
            payload.signed.eq(is_last_part),
            payload.bank.eq(tag.bank),
            payload.fuse.eq(config.macro.fuse.bit_length() - 1),
            taken.eq(passed & is_last_part),
            self.tag.valid.eq(taken),
        ]
