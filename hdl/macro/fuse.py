"""Fusing: two or four neighboring columns as one wider weight."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2


class Fuse(wiring.Component):
    """Combines the totals of up to ``columns`` neighboring columns, as the ``mode`` of the vector says.

    A wide weight is stored in slices of ``weight_bits``, lowest first. All but the highest are unsigned and stored in
    offset form (slice minus half its range), which is corrected by half the range times ``sum(x)``. A fused result
    fills the output slots of its columns, sign-extended.

    Latency: ``1 + log2(columns)`` cycles.

    Parameters
    ----------
    columns : 2 or 4
        Columns of a group.
    weight_bits : int
        Bits of a slice.
    total_width, sum_x_width : int
        Bits of the totals.

    Members
    -------
    load : ``In(stages)``
        Enables of the stages.
    mode : ``In(2 * stages)``
        For each stage the logarithm of how many columns are fused for its vector.
    totals : ``In(columns * total_width)``
        The group's totals, lowest slice first.
    sum_x : ``In(signed(sum_x_width))``
        Total of the column of ones.
    y : ``Out(columns * total_width)``
        The results, in the slots of their columns.
    """

    def __init__(self, *, columns, weight_bits, total_width, sum_x_width):
        self.columns = columns
        self.weight_bits = weight_bits
        self.total_width = total_width
        self.stages = 1 + ceil_log2(columns)
        super().__init__({
            "load": In(self.stages),
            "mode": In(2 * self.stages),
            "totals": In(columns * total_width),
            "sum_x": In(signed(sum_x_width)),
            "y": Out(columns * total_width),
        })

    def elaborate(self, platform):
        m = Module()
        half_range = self.sum_x << self.weight_bits - 1
        mode = self.mode.word_select(0, 2)
        lanes = []
        for index in range(self.columns):
            total = self.totals.word_select(index, self.total_width).as_signed()
            # The sum of an unsigned slice needs one bit more than its offset form.
            lane = Signal(signed(self.total_width + 1), name=f"slice_{index}", reset_less=True)
            is_unsigned = ((mode >= 1) & (index % 2 == 0)) | ((mode >= 2) & (index % 4 != 3))
            with m.If(self.load[0]):
                m.d.sync += lane.eq(total + Mux(is_unsigned, half_range, 0))
            lanes.append(lane)

        for stage in range(1, self.stages):
            mode = self.mode.word_select(stage, 2)
            width = self.total_width << stage
            shift = self.weight_bits << stage - 1
            pairs = []
            for index in range(0, len(lanes), 2):
                low, high = lanes[index:index + 2]
                pair = Signal(signed(width), name=f"pair{stage}_{index // 2}", reset_less=True)
                fused = low + (high << shift)
                with m.If(self.load[stage]):
                    m.d.sync += pair.eq(Mux(mode >= stage, fused, Cat(low[:width // 2], high[:width // 2])))
                pairs.append(pair)
            lanes = pairs

        m.d.comb += self.y.eq(lanes[0])
        return m
