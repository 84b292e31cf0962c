"""One byte of a wide word, chosen in two registered steps."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ByteMux(wiring.Component):
    """``o`` is byte ``index`` of ``word`` two cycles before; of a 1,424-bit word in two steps of 16:1 and 12:1.

    Parameters
    ----------
    count : int
        Bytes of the word.

    Members
    -------
    word : ``In(8 * count)``
        Bytes to choose from, the first lowest.
    index : ``In(range(count))``
        Number of the byte.
    o : ``Out(8)``
        That byte, `latency` cycles later.
    """

    latency = 2
    GROUP_BITS = 4

    def __init__(self, *, count):
        self.count = count
        super().__init__({"word": In(8 * count), "index": In(range(count)), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        low, high = self.index[:self.GROUP_BITS], self.index[self.GROUP_BITS:]
        octets = [self.word.word_select(index, 8) for index in range(self.count)]
        groups = []
        for first in range(0, self.count, 1 << self.GROUP_BITS):
            group = Signal(8, name=f"group_{len(groups)}", reset_less=True)
            m.d.sync += group.eq(choose(low, octets[first:first + (1 << self.GROUP_BITS)]))
            groups.append(group)
        chosen = Signal(len(high), reset_less=True)
        m.d.sync += [chosen.eq(high), self.o.eq(choose(chosen, groups))]
        return m


def choose(index, values):
    """One of the values, as a tree of 2:1 multiplexers: half as large as what Yosys makes of a shift."""
    for bit in index:
        values = [Mux(bit, *reversed(pair)) if len(pair) == 2 else pair[0]
                  for pair in (values[first:first + 2] for first in range(0, len(values), 2))]
    return values[0]
