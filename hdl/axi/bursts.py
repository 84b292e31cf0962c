"""Bursts: what the channels of the DMA have in common."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..csr.register_map import COUNT_BITS, DMA_CHANNELS

# Most beats of a burst. Bursts end where such a block of beats ends, so none crosses 4 KiB, whatever a beat has.
BURST = 16
# Cycles in which nothing happens on a bus that owes an answer, after which it is late.
PATIENCE = 1 << 16


def control_signature(address_bits):
    """A channel, seen by the registers.

    ``start``: for a cycle, and only while the channel is not busy, a transfer of ``beats``, at least one, from or to
    ``address``, bytes, whose bits within a beat are ignored. ``cancel``: for a cycle, it ends early. ``busy``: it has
    not ended. ``active``: beats may still go to the core, or come from it. ``left``: beats that the core has not taken
    or given. ``wrong``, ``late``: for a cycle, memory answered with an error, or does not answer; the transfer ends.
    ``failed``: so it was in the last transfer.
    """
    return wiring.Signature({
        "start": Out(1), "cancel": Out(1), "address": Out(address_bits), "beats": Out(COUNT_BITS), "busy": In(1),
        "active": In(1), "left": In(COUNT_BITS), "wrong": In(1), "late": In(1), "failed": In(1)})


def dma_signature(address_bits):
    """The channels of a DMA, seen by the registers."""
    return wiring.Signature({name: Out(control_signature(address_bits)) for name in DMA_CHANNELS})


def burst_layout(bits, address_bits):
    """A burst of beats of so many bits: the number of its first beat in memory, and how many it has."""
    return data.StructLayout({"first": address_bits - beat_shift(bits), "beats": range(BURST + 1)})


def beat_shift(bits):
    """Bits of an address within a beat."""
    return (bits // 8).bit_length() - 1


def next_beats(first, left):
    """How many beats a burst has that begins at a beat and of which at most ``left`` are wanted."""
    room = BURST - first[:BURST.bit_length() - 1]
    return Mux(left < room, left, room)[:BURST.bit_length()]


class Faults(wiring.Component):
    """What goes wrong in a transfer: errors are told once, and so is a bus that is late.

    Members
    -------
    restart : ``In(1)``
        A transfer begins.
    error : ``In(1)``
        Memory answers with an error.
    waits : ``In(1)``
        The bus owes an answer, and nothing happens.
    wrong : ``Out(1)``
        For a cycle: the first error.
    late : ``Out(1)``
        For a cycle: the bus has owed an answer for too long.
    was_wrong : ``Out(1)``
        There was an error.
    was_late : ``Out(1)``
        The bus was late.
    """

    def __init__(self):
        super().__init__({"restart": In(1), "error": In(1), "waits": In(1), "wrong": Out(1), "late": Out(1),
                          "was_wrong": Out(1), "was_late": Out(1)})

    def elaborate(self, platform):
        m = Module()
        cycles = Signal(range(PATIENCE))
        m.d.comb += [
            self.wrong.eq(self.error & ~self.was_wrong),
            self.late.eq(self.waits & (cycles == PATIENCE - 1) & ~self.was_late),
        ]
        m.d.sync += [
            cycles.eq(Mux(self.waits, cycles + 1, 0)),
            self.was_wrong.eq(~self.restart & (self.was_wrong | self.wrong)),
            self.was_late.eq(~self.restart & (self.was_late | self.late)),
        ]
        return m
