"""Join lane: the sums of some columns, shifted to their place in the window, and added to those of earlier blocks."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.formats import SCALE_MANTISSA_BITS
from ..config.widths import ceil_log2
from ..fabric.adder import Addition, Operand, add
from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam
from ..fabric.multiplier import CYCLES, multiply
from ..fabric.mux import instantiate_choice
from ..fabric.register import all_registered, registered
from ..fabric.shift import MAX_SHIFT, SHIFT_BITS, shift_cycles, shift_left
from .layouts import sum_layout
from .scales import decoded

# Cycles from a group to its scale, and to the distance of its sum from the window's base. Reads of block RAM take two.
SCALE, DISTANCE, READ = 2, 3, 2
# Two copies of the sums, so that an accumulation can begin while the results of the one before are rounded.
HALVES = 2
# Distance of the places in the window to which a sum goes after it was shifted; from the last one it may be shifted
# further, as far as it can be.
PLACE_BITS = SHIFT_BITS - 1
PLACE = 1 << PLACE_BITS


class JoinLane(wiring.Component):
    """Adds a column's sum of a block, times its scales, to the sum of the blocks before, a column a cycle.

    A column may come again `LOOP_CYCLES` later. Times are cycles after a group is chosen. What is not zero and does not
    fit the window, below or above, makes the sum lost.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    sums : ``In(ArrayLayout(sum_bits, groups))``
        Of its columns, of one block.
    group : ``In(range(groups))``
        Which one is next.
    scale : ``In(8)``
        Of the weights of that column, `SCALE` cycles later.
    exponent : ``In(signed(exponent_bits + 1))``
        With ``scale``: that of the vector, and of the part, above the base of the window.
    mantissa : ``In(4)``
        With ``scale``: that of the vector's scale; if scales have mantissas.
    read_group : ``In(range(groups))``
        The group, `read` cycles later.
    is_first : ``In(1)``
        It is the first of its accumulation, `placed` cycles later.
    write : ``In(1)``
        Store the new sum, as all below `stored` cycles later.
    write_group : ``In(range(groups))``
        The group.
    write_result : ``In(1)``
        The sum is complete, and stored as a result too.
    write_half : ``In(1)``
        In this half of the results.
    enable : ``In(1)``
        Reads of results advance.
    result_half : ``In(1)``
        Half of the results to read.
    result_group : ``In(range(groups))``
        Which result to read.
    result : ``Out(sum_layout)``
        The result, two enabled cycles later.
    """

    def __init__(self, *, config):
        self.config = config
        group = range(config.groups)
        super().__init__({
            "sums": In(data.ArrayLayout(signed(config.sum_bits), config.groups)), "group": In(group),
            "scale": In(8), "exponent": In(signed(config.exponent_bits + 1)),
            "mantissa": In(SCALE_MANTISSA_BITS if config.has_mantissas else 0),
            "read_group": In(group), "is_first": In(1), "write": In(1), "write_group": In(group),
            "write_result": In(1), "write_half": In(1), "enable": In(1), "result_half": In(1),
            "result_group": In(group), "result": Out(sum_layout(config)),
        })

    @staticmethod
    def placed(config):
        """Cycles until a sum is at its place in the window."""
        return DISTANCE + config.has_mantissas * CYCLES + shift_cycles(config.term_bits) + 1

    @classmethod
    def read(cls, config):
        """Cycles until the sum so far is read."""
        return cls.placed(config) - READ

    @classmethod
    def stored(cls, config):
        """Cycles until the new sum is stored."""
        return cls.placed(config) + 1

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config
        value = registered(m, "value_1", self._choose(m, platform))
        for cycle in range(2, DISTANCE + 1):
            value = registered(m, f"value_{cycle}", value)
        # Multipliers take bits of unsigned registers only.
        value = value.as_signed()
        exponent, mantissa, is_nan = decoded(config, self.scale)
        distance = registered(m, "distance", self.exponent + exponent)
        flags = {"is_nan": registered(m, "scale_is_nan", is_nan), "is_some": value.any()}
        if config.has_mantissas:
            product = registered(m, "mantissas", self.mantissa * mantissa)
            value = multiply(m, platform, "times_mantissas", value, product)[:config.term_bits].as_signed()
            flags = all_registered(m, "mantissas", {"distance": distance, **flags}, CYCLES)
            distance = flags.pop("distance")
        fits = (distance >= 0) & (distance <= config.max_shift)
        flags["is_lost"] = ~fits & flags.pop("is_some")
        amount, places = self._split(distance, fits)
        shifted = shift_left(m, platform, "shifted", value, amount)
        flags = all_registered(m, "shifted", {"places": places, **flags}, shift_cycles(config.term_bits))
        places = flags.pop("places")
        self._join(m, platform, self._place(m, shifted, places), flags)
        return m

    def _choose(self, m, platform):
        """The sum of the column that is next."""
        values = [Value.cast(each).as_unsigned() for each in self.sums]
        if len(values) < 5 or len(values) % 4 != 1:
            return instantiate_choice(m, platform, "chosen", values, self.group)
        # One beyond a tree of multiplexers costs less by itself.
        *others, last = values
        return Mux(self.group == len(others), last, instantiate_choice(m, platform, "chosen", others, self.group[
            :ceil_log2(len(others))]))

    def _split(self, distance, fits):
        """By how much a sum is shifted, and a mark for the place to which it goes then, if it fits."""
        last = max(0, self.config.max_shift - MAX_SHIFT + PLACE - 1) // PLACE
        place = distance[PLACE_BITS:]
        is_beyond = place == last + 1
        places = [fits & (place == index) for index in range(last)] + [fits & ((place == last) | is_beyond)]
        return Cat(distance[:PLACE_BITS], is_beyond), Cat(places)

    def _place(self, m, shifted, places):
        """A register of the shifted sum at that of its places in the window that is marked; zero if none is."""
        width = self.config.window_bits
        wide = Cat(shifted, shifted[-1].replicate(max(0, width - len(shifted))))
        placed = Const(0, width)
        for index, place in enumerate(places):
            placed |= Cat(Const(0, PLACE * index), wide)[:width] & place.replicate(width)
        return registered(m, "placed", placed)

    def _join(self, m, platform, placed, flags):
        config = self.config
        layout = sum_layout(config)
        so_far = platform.instantiate(m, "sums", "joined_sums", BlockRam, width=layout.size, depth=config.groups)
        results = platform.instantiate(m, "results", "results", BlockRam, width=layout.size,
                                       depth=HALVES << ceil_log2(config.groups))
        before = data.View(layout, so_far.data)
        kept = ~self.is_first
        joined = Signal(layout, reset_less=True)
        step = Addition(Operand(placed), Operand(before.integer, "and", kept), config.window_bits)
        m.d.sync += [
            joined.integer.eq(add(m, platform, "add", [step])[0]),
            *(joined[flag].eq(registered(m, f"{flag}_placed", flags[flag]) | kept & before[flag])
              for flag in ("is_nan", "is_lost")),
        ]
        m.d.comb += [
            so_far.enable.eq(1), so_far.address.eq(self.read_group),
            so_far.write.eq(self.write), so_far.write_address.eq(self.write_group),
            results.write.eq(self.write & self.write_result),
            results.write_address.eq(Cat(self.write_group, self.write_half)),
            results.enable.eq(self.enable), results.address.eq(Cat(self.result_group, self.result_half)),
            self.result.as_value().eq(results.data),
        ]
        m.d.comb += [memory.write_data.eq(joined.as_value()) for memory in (so_far, results)]
