"""Logic built-in self-test: patterns for the adders and accumulators, and a signature of their responses."""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.known_answers import POLYNOMIAL, SIGNATURE_BITS, expected_signature, initial_pattern, next_pattern


class LogicBist(wiring.Component):
    """A pseudo-random pattern generator (cellular automaton) and a multiple-input signature register (MISR).

    Patterns are rows and vectors, one state of the generator a beat. The signature of all totals is compared with that
    of the golden model.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start : ``In(1)``
        Set the generator to its seed, and clear the signature.
    pattern : ``Out(max(input_stream_bits, weight_stream_bits))``
        State of the generator; a narrower beat has its lowest bits.
    next : ``In(1)``
        Go to the next state.
    compact : ``In(1)``
        Compact the totals into the signature.
    totals : ``In(ArrayLayout(total_width, lanes))``
        Of a group of columns.
    check_totals : ``In(ArrayLayout(total_width, check_columns))``
        Of the checksum columns.
    passed : ``Out(1)``
        The signature is that of a fault-free core; valid at the end of the program.
    """

    def __init__(self, *, config):
        self.config = config
        self.bits = max(config.input_stream_bits, config.weight_stream_bits)
        width = config.macro.total_width
        super().__init__({
            "start": In(1), "pattern": Out(self.bits), "next": In(1), "compact": In(1),
            "totals": In(data.ArrayLayout(width, config.lanes)),
            "check_totals": In(data.ArrayLayout(width, config.check_columns)), "passed": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        state = Signal(self.bits)
        signature = Signal(SIGNATURE_BITS)
        word = Cat(self.totals, self.check_totals)
        pieces = [word[first:first + SIGNATURE_BITS] for first in range(0, len(word), SIGNATURE_BITS)]
        m.d.comb += [self.pattern.eq(state), self.passed.eq(signature == expected_signature(self.config))]
        with m.If(self.next):
            m.d.sync += state.eq(next_pattern(state, self.bits))
        with m.If(self.compact):
            m.d.sync += signature.eq(reduce(xor, pieces, (signature << 1) ^ Mux(signature[-1], POLYNOMIAL, 0)))
        with m.If(self.start):
            m.d.sync += [state.eq(initial_pattern(self.bits)), signature.eq(0)]
        return m
