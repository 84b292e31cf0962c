"""Frames on a byte stream: flag, stuffed header, payload and CRC, flag."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .protocol import CRC, CRC_BYTES, ESCAPE, FLAG, FLIP, HEADER, HEADER_BYTES, OVERHEAD
from .uart import RECEIVED


def read_port(depth):
    """Read port of a memory of bytes: the byte at ``address`` comes a cycle later."""
    return wiring.Signature({"address": Out(range(depth)), "data": In(8)})


class FrameReceiver(wiring.Component):
    """Finds intact frames in the bytes of a line.

    A frame is intact if it is between two flags, its CRC and length are right, none of its bytes had an error, and it
    fits in the memory. Everything else is refused. Every flag starts a new frame, so the next frame is found whatever
    came before. While a frame waits for ``ready``, other frames are refused.

    Parameters
    ----------
    buffer : int
        Bytes of the memory, and of the longest frame without flags and stuffing.

    Members
    -------
    i : ``In(stream)``
        Bytes, at least ten cycles apart: the CRC takes a bit a cycle.
    o : ``Out(stream)``
        Header of an intact frame.
    refused : ``Out(1)``
        For a cycle: the bytes before this flag were not an intact frame.
    write_enable : ``Out(1)``
        Store a byte of the frame in the memory, header first.
    write_address : ``Out(range(buffer))``
        Where.
    write_data : ``Out(8)``
        The byte.
    """

    def __init__(self, *, buffer):
        self.buffer = buffer
        super().__init__({
            "i": In(stream.Signature(RECEIVED, always_ready=True)),
            "o": Out(stream.Signature(HEADER)),
            "refused": Out(1),
            "write_enable": Out(1),
            "write_address": Out(range(buffer)),
            "write_data": Out(8),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC(data_width=1).create()
        count = Signal(range(self.buffer + 1))
        escaped = Signal()
        bad = Signal()
        byte = Signal(8)
        bits_left = Signal(range(9))
        header = self.o.payload

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(bits_left != 0):
            m.d.sync += [byte.eq(byte[1:]), bits_left.eq(bits_left - 1)]
        m.d.comb += [
            crc.valid.eq(bits_left != 0),
            crc.data.eq(byte[0]),
            self.write_address.eq(count),
            self.write_data.eq(self.i.payload.data ^ (escaped.replicate(8) & FLIP)),
        ]

        with m.If(self.i.valid):
            with m.If(~self.i.payload.error & (self.i.payload.data == FLAG)):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [count.eq(0), escaped.eq(0), bad.eq(0)]
                with m.If(~bad & ~escaped & ~self.o.valid & crc.match_detected & (count == header.length + OVERHEAD)):
                    m.d.sync += self.o.valid.eq(1)
                with m.Elif(bad | (count != 0)):
                    m.d.comb += self.refused.eq(1)
            with m.Elif(self.i.payload.error | self.o.valid | (count == self.buffer)):
                m.d.sync += bad.eq(1)
            with m.Elif(~escaped & (self.i.payload.data == ESCAPE)):
                m.d.sync += escaped.eq(1)
            with m.Elif(~bad):
                m.d.comb += self.write_enable.eq(1)
                m.d.sync += [byte.eq(self.write_data), bits_left.eq(8), escaped.eq(0), count.eq(count + 1)]
                with m.If(count < HEADER_BYTES):
                    m.d.sync += header.eq(Cat(header.as_value()[8:], self.write_data))
        return m


class FrameTransmitter(wiring.Component):
    """Sends a frame whose payload is in a memory.

    Parameters
    ----------
    depth : int
        Bytes of the memory.

    Members
    -------
    i : ``In(stream)``
        ``header``, and ``address`` of a payload of ``header.length`` bytes; accepted at the start of the frame.
    o : ``Out(stream)``
        Bytes for the line, at most one every ten cycles.
    idle : ``Out(1)``
        The transmitter has no bytes left.
    memory : ``Out(read_port)``
        Read port of the memory.
    """

    def __init__(self, *, depth):
        self.depth = depth
        super().__init__({
            "i": In(stream.Signature(data.StructLayout({"header": HEADER, "address": range(depth)}))),
            "o": Out(stream.Signature(8)),
            "idle": Out(1),
            "memory": Out(read_port(depth)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC(data_width=1).create()
        header = Signal(HEADER)
        left = Signal(range(self.depth + 1))
        in_header = Signal()
        in_crc = Signal()
        byte = Signal(8)
        bits_left = Signal(range(8))
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.i.ready.eq(1), self.idle.eq(~self.i.valid), crc.start.eq(1)]
                m.d.sync += [header.eq(self.i.payload.header), self.memory.address.eq(self.i.payload.address),
                             left.eq(HEADER_BYTES), in_header.eq(1), in_crc.eq(0)]
                with m.If(self.i.valid):
                    m.next = "OPEN"
            with m.State("OPEN"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(FLAG)]
                with m.If(self.o.ready):
                    m.next = "FETCH"
            with m.State("FETCH"):
                self._fetch(m, byte, header, in_header, in_crc, crc.crc.word_select((-left)[:2], 8))
                m.d.sync += [left.eq(left - 1), bits_left.eq(7)]
                with m.If(in_crc):
                    m.next = "EMIT"
                with m.Else():
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += [crc.valid.eq(1), crc.data.eq(byte[0])]
                m.d.sync += [byte.eq(byte.rotate_right(1)), bits_left.eq(bits_left - 1)]
                with m.If(bits_left == 0):
                    m.next = "EMIT"
            with m.State("EMIT"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(byte)]
                with m.If((byte == FLAG) | (byte == ESCAPE)):
                    m.d.comb += self.o.payload.eq(ESCAPE)
                    with m.If(self.o.ready):
                        m.d.sync += byte.eq(byte ^ FLIP)
                with m.Elif(self.o.ready):
                    m.next = "FETCH"
                    with m.If(left == 0):
                        self._next_part(m, header.length, left, in_header, in_crc)
            with m.State("CLOSE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(FLAG)]
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m

    def _fetch(self, m, byte, header, in_header, in_crc, crc_byte):
        """The next byte of the part that is sent."""
        with m.If(in_header):
            # Rotated, because the length is needed again.
            m.d.sync += [byte.eq(header.as_value()[:8]), header.eq(header.as_value().rotate_right(8))]
        with m.Elif(in_crc):
            m.d.sync += byte.eq(crc_byte)
        with m.Else():
            m.d.sync += [byte.eq(self.memory.data), self.memory.address.eq(self.memory.address + 1)]

    @staticmethod
    def _next_part(m, length, left, in_header, in_crc):
        """After the last byte of the header comes the payload, or without one the CRC, as after that; then the end."""
        with m.If(in_crc):
            m.next = "CLOSE"
        with m.Elif(in_header & (length != 0)):
            m.d.sync += [in_header.eq(0), left.eq(length)]
        with m.Else():
            m.d.sync += [in_header.eq(0), in_crc.eq(1), left.eq(CRC_BYTES)]
