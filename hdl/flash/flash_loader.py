"""Flash loader: between a host and an engine, loads the engine's image from a flash."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..csr.register_master import ACCESSES
from .flash_reader import SPI, FlashReader
from .image_loader import FlashState, ImageLoader

# Addresses of two registers, beyond those of an engine.
FLASH, IMAGE = 0xF8, 0xFC


class FlashLoader(wiring.Component):
    """Hands a host's accesses on to an engine, and loads the image in a flash after the reset and when it is told to.

    It has two registers of its own. A read of `FLASH` gives the `FlashState`; a write, of anything, loads the image,
    unless that goes on. `IMAGE` is the CRC-32 of the header of the image that the engine's memories have, 0 for none:
    set here after one was loaded, cleared before, and written by hosts that load one themselves.

    While an image is loaded the host's accesses to the engine wait, and those to the two registers do not, but for
    one read of the engine.

    Latency: an access to the engine begins a cycle later; one to these registers takes one.

    Parameters
    ----------
    config : EngineConfig
    address : int
        Of the image in the flash.
    clock_hz : int
        Frequency of the clock.

    Members
    -------
    host : ``In(ACCESSES)``
        From the host: one access at a time.
    engine : ``Out(ACCESSES)``
        To the engine; the payloads of ``write`` and ``i`` are from flip-flops.
    spi : ``Out(SPI)``
        To the flash.
    """

    def __init__(self, *, config, address, clock_hz):
        self.config, self.address, self.clock_hz = config, address, clock_hz
        super().__init__({"host": In(ACCESSES), "engine": Out(ACCESSES), "spi": Out(SPI)})

    def elaborate(self, platform):
        m = Module()
        image, loads, begins = Signal(32), Signal(), Signal()
        m.submodules.loader = loader = ResetInserter(begins)(ImageLoader(config=self.config))
        m.submodules.reader = reader = ResetInserter(begins | ~loads)(
            FlashReader(address=self.address, clock_hz=self.clock_hz))
        m.d.comb += loads.eq(loader.state == FlashState.LOADING)
        connect(m, reader.o, loader.bytes)
        connect(m, reader.spi, flipped(self.spi))
        self._add_writes(m, loader.engine, loads)
        self._add_reads(m, loader.engine, loads, Mux(self.host.i.payload.address == IMAGE, image,
                                                     loader.state.as_value()))
        write = self.host.write
        m.d.comb += begins.eq(write.valid & (write.payload.address == FLASH) & ~loads)
        with m.If(write.valid & (write.payload.address == IMAGE) & ~loads):
            m.d.sync += image.eq(write.payload.data)
        with m.If(begins):
            m.d.sync += image.eq(0)
        with m.If(loader.is_loaded):
            m.d.sync += image.eq(loader.crc)
        return m

    def _add_writes(self, m, loader, loads):
        """Writes to the engine, of the loader or the host; those to the two registers are done at once."""
        host, sink = self.host.write, self.engine.write
        is_own = host.payload.address >= FLASH
        m.d.comb += [loader.write.ready.eq(loads & sink.valid & sink.ready),
                     host.ready.eq(is_own | ~loads & sink.valid & sink.ready)]
        with m.If(sink.valid):
            m.d.sync += sink.valid.eq(~sink.ready)
        with m.Elif(loads):
            m.d.sync += [sink.valid.eq(loader.write.valid), sink.payload.eq(loader.write.payload)]
        with m.Else():
            m.d.sync += [sink.valid.eq(host.valid & ~is_own), sink.payload.eq(host.payload)]

    def _add_reads(self, m, loader, loads, word):
        """Reads of the engine, of the loader or the host, and of the word of one of the two registers, one at a time:
        nothing is counted in the engine while there is an answer from here.
        """
        host, sink = self.host, self.engine
        is_own, kept = host.i.payload.address >= FLASH, Signal(32)
        sources = (loads, loader), (~loads, host)
        with m.FSM():
            with m.State("IDLE"):
                for is_chosen, source in sources:
                    with m.If(is_chosen & source.i.valid):
                        m.d.sync += sink.i.payload.eq(source.i.payload)
                        m.next = "ASK"
                with m.If(host.i.valid & is_own):
                    m.d.comb += host.i.ready.eq(1)
                    m.d.sync += kept.eq(word)
                    m.next = "TELL"
            with m.State("ASK"):
                m.d.comb += sink.i.valid.eq(1)
                for is_chosen, source in sources:
                    m.d.comb += source.i.ready.eq(is_chosen & sink.i.ready)
                with m.If(sink.i.ready):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                for is_chosen, source in sources:
                    with m.If(is_chosen):
                        m.d.comb += [source.o.valid.eq(sink.o.valid), source.o.payload.eq(sink.o.payload),
                                     sink.o.ready.eq(source.o.ready)]
                with m.If(sink.o.valid & sink.o.ready):
                    m.next = "IDLE"
            with m.State("TELL"):
                m.d.comb += [host.o.valid.eq(1), host.o.payload.data.eq(kept)]
                with m.If(host.o.ready):
                    m.next = "IDLE"
