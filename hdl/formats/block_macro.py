"""Block macro: a macro behind the streams of block formats."""

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..macro.macro import Macro
from .block_input import BlockInput
from .block_join import BlockJoin
from .join_lane import READ, JoinLane
from .layouts import result_layout, vector_beat_layout, weight_beat_layout
from .result_reader import ResultReader
from .rounding import Rounding
from .vector_tags import VectorTags
from .weight_input import WeightInput


def streams(config):
    """Layout of each stream, and whether it goes in."""
    return {"w": (weight_beat_layout(config), True), "i": (vector_beat_layout(config), True),
            "o": (result_layout(config), False)}


def latency(config):
    """Cycles from the last beat of an accumulation to its first result, both included, beyond those of the planes.

    Of an idle macro, and a last vector that needs all planes; a part takes `pass_cycles` if it has fewer.
    """
    wait, reads = 1, READ + 1
    return (wait + config.macro.latency + config.pass_cycles + JoinLane.stored(config) + reads
            + Rounding.cycles(config.window_bits, config.mantissa_bits) + 1)


def pair_cycles(config):
    """Cycles that two accumulations take at least, however few their vectors: results go through two halves in turn.

    A half is in use from the first total of an accumulation's last vector until the results are read.
    """
    in_use = config.parts * config.pass_cycles + JoinLane.stored(config) + 1 + config.columns
    return max(2 * config.columns, in_use)


def block_macro_members(config):
    """Members of a `BlockMacro`."""
    members = {}
    for name, (layout, is_input) in streams(config).items():
        forward, back = (In, Out) if is_input else (Out, In)
        members |= {f"{name}_valid": forward(1), f"{name}_ready": back(1)}
        members |= {f"{name}_{field}": forward(shape.width) for field, shape in layout if shape.width}
    return members


class BlockMacro(wiring.Component):
    """Products of blocks of a microscaling format or NVFP4: exact up to one rounding at the end of an accumulation.

    ``o = sum over blocks of scale(x) * scale(w) * sum over rows of x * w``, a result for each column. An accumulation
    ends with a vector whose last beat has ``i_last``.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    w_valid : ``In(1)``
        A beat of weights is offered.
    w_ready : ``Out(1)``
        It is taken at the next edge.
    w_codes : ``In(weight_lanes * bits)``
        Codes of neighboring columns of a row, the lowest column lowest; row after row.
    w_number : ``In(number_bits)``
        With the first beat of a packet: that of its format, of `NUMBER_OF`; of one that the macro has not it leaves the
        bank without weights. Exists if there are several.
    w_scale : ``In(8)``
        In the beats after those of the rows: the scale of a column, one after the other; of NVFP4 a negative one is
        NaN.
    w_bank : ``In(range(banks))``
        With the first beat of a packet: where it goes; of a bank that there is not it changes nothing. Exists if
        ``banks`` > 1.
    w_last : ``In(1)``
        The packet's last beat. In another place than with the last scale it leaves the bank without weights.
    i_valid : ``In(1)``
        A beat of a vector is offered.
    i_ready : ``Out(1)``
        It is taken at the next edge.
    i_codes : ``In(input_lanes * bits)``
        Codes of neighboring rows, the lowest row lowest.
    i_number : ``In(number_bits)``
        With a vector's first beat: that of its format, of `NUMBER_OF`; with one that the macro has not the results are
        lost. Exists if there are several.
    i_scale : ``In(8)``
        With a vector's last beat, as all below: its scale; of NVFP4 a negative one is NaN.
    i_base : ``In(exponent_bits)``
        Of the first vector of an accumulation: the exponent of the lowest bit of the window. Lost is a sum, of a block
        or of its part, that is not zero and whose exponent is below this or more than `max_shift` above.
    i_bank : ``In(range(banks))``
        Bank to compute with; with one that there is not the results are lost. Exists if ``banks`` > 1.
    i_last : ``In(1)``
        The vector is the last of its accumulation. Before a vector's last beat it cuts it off, and the results are
        lost.
    o_valid : ``Out(1)``
        A result is offered.
    o_ready : ``In(1)``
        It is taken at the next edge.
    o_value : ``Out(result_bits)``
        The float, column after column.
    o_is_lost : ``Out(1)``
        It is NaN because a sum did not fit the window, blocks were too many or cut off, or a bank had no weights.
    o_last : ``Out(1)``
        The last column's.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__(block_macro_members(config))

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        blocks = {name: platform.instantiate(m, name, name, cls, config=self.config) for name, cls in (
            ("weights", WeightInput), ("vectors", BlockInput), ("tags", VectorTags), ("join", BlockJoin),
            ("reader", ResultReader))}
        weights, vectors, tags, join, reader = blocks.values()
        macro = platform.instantiate(m, "macro", "macro", Macro, config=self.config.macro)
        for source, sink in ((weights.write, macro.write), (vectors.o, macro.i), (macro.o, join.i),
                             (vectors.tag, tags.i), (tags.o, join.tag)):
            m.d.comb += [Value.cast(sink.payload).eq(Value.cast(source.payload)), sink.valid.eq(source.valid),
                         source.ready.eq(sink.ready)]
        m.d.comb += [
            tags.enters.eq(vectors.enters), tags.enters_bank.eq(vectors.enters_bank), weights.free.eq(tags.free),
            vectors.whole.eq(weights.whole), join.scale_write.eq(weights.scale_write),
            Value.cast(join.scale).eq(Value.cast(weights.scale)), reader.finished.eq(join.finished),
            Value.cast(reader.common).eq(Value.cast(join.common)), join.freed.eq(reader.freed),
            join.enable.eq(reader.enable), join.half.eq(reader.half), join.group.eq(reader.group),
            Value.cast(reader.sums).eq(Value.cast(join.sums)),
        ]
        if self.config.w.is_several:
            m.d.comb += Value.cast(vectors.numbers).eq(Value.cast(weights.numbers))
        self._connect(m, {"w": weights.i, "i": vectors.i, "o": reader.o})
        return m

    def _connect(self, m, inner):
        """The ports to the streams."""
        for name, (layout, is_input) in streams(self.config).items():
            side = inner[name]
            pairs = [(f"{name}_{field}", Value.cast(side.payload[field])) for field, shape in layout if shape.width]
            pairs.append((f"{name}_valid", side.valid))
            for port, value in pairs:
                pin = getattr(self, port)
                m.d.comb += value.eq(pin) if is_input else pin.eq(value)
            ready = getattr(self, f"{name}_ready")
            m.d.comb += ready.eq(side.ready) if is_input else side.ready.eq(ready)
