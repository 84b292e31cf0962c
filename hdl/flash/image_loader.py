"""Image loader: the bytes of an image into the memories of an engine, by its registers."""

from amaranth.hdl import Module, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...golden.engine.image import ENTRY, HEADER, MAGIC, SECTIONS, VERSION
from ..csr.register_master import ACCESSES
from ..engine.control.image_words import Section
from ..engine_core.register_map import ITEM_BITS, engine_register_map
from ..engine_core.word_writer import WORD_BYTES
from .flash_reader import ADDRESS_BITS
from .image_bytes import ImageBytes

# Numbers of words of an image: what its header says, the table, its CRC-32.
MAGIC_WORD, VERSION_WORD, HASH_WORD, SIZE_WORD = range(4)
TABLE_WORD, CRC_WORD = HEADER.size // WORD_BYTES, (HEADER.size + len(SECTIONS) * ENTRY.size) // WORD_BYTES
LOADS_SIZE_WORD = TABLE_WORD + Section.LOADS.value * ENTRY.size // WORD_BYTES + 1


class FlashState(enum.Enum, shape=3):
    """What became of the image in the flash."""

    LOADING = 0
    LOADED = 1
    SILENT = 2
    EMPTY = 3
    VERSION = 4
    ENGINE = 5
    DAMAGED = 6
    REFUSED = 7


class ImageLoader(wiring.Component):
    """Loads an image once, after the reset, and checks what a driver checks before it sends one: magic, version, CRC-32
    of the header, configuration, place and CRC-32 of each section, size. The engine's ``checksum`` after each section
    that it gets shows that it has taken all words; it refuses them while a run goes on.

    The sections of ports and states are only checked, since they are for a host, which writes inputs and states.

    Throughput: a byte each cycle, and three cycles more for a word, without what the engine takes.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    bytes : ``In(stream)``
        As of `FlashReader`: the maker's number, and the image. Not ready after the end.
    engine : ``Out(ACCESSES)``
        To the engine's registers.
    state : ``Out(FlashState)``
        LOADING until the end; what was loaded before it cannot be used after any but LOADED.
    is_loaded : ``Out(1)``
        For a cycle: the state becomes LOADED.
    crc : ``Out(32)``
        With ``is_loaded``: CRC-32 of the header.
    """

    def __init__(self, *, config):
        self.config = config
        self._offsets = {register.name: register.offset for register in engine_register_map(config)}
        super().__init__({"bytes": In(stream.Signature(8)), "engine": Out(ACCESSES), "state": Out(FlashState),
                          "is_loaded": Out(1), "crc": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.bytes = image = ImageBytes()
        m.submodules.head = head = Memory(shape=32, depth=CRC_WORD + 1, init=[])
        store, fetch = head.write_port(), head.read_port(domain="comb")
        index, section = Signal(range(CRC_WORD + 1)), Signal(range(len(SECTIONS)))
        m.d.comb += [store.addr.eq(index), store.data.eq(image.word), fetch.addr.eq(index), self.crc.eq(fetch.data),
                     image.byte.eq(self.bytes.payload)]
        with m.FSM():
            self._add_header(m, image, index, store)
            self._add_sections(m, image, index, section, fetch.data)
            self._add_end(m, image, index, fetch.data)
        return m

    def _end(self, m, state):
        m.d.sync += self.state.eq(state)
        m.next = "END"

    def _write(self, m, name, data, then):
        """Write a register, and go on to a state."""
        write = self.engine.write
        m.d.comb += [write.valid.eq(1), write.payload.address.eq(self._offsets[name]), write.payload.data.eq(data)]
        with m.If(write.ready):
            m.next = then

    def _take(self, m, image, ready=1):
        """Take a byte of the image."""
        m.d.comb += [self.bytes.ready.eq(ready), image.valid.eq(self.bytes.valid & ready)]

    def _add_header(self, m, image, index, store):
        """The maker, then the words of the header and table; each is judged in the cycle in which it is stored."""
        is_other = Signal()
        with m.State("MAKER"):
            m.d.comb += self.bytes.ready.eq(1)
            with m.If(self.bytes.valid):
                m.next = "HEADER"
                with m.If((self.bytes.payload == 0) | self.bytes.payload.all()):
                    self._end(m, FlashState.SILENT)
        with m.State("HEADER"):
            self._take(m, image)
            with m.If(image.is_word):
                m.next = "WORD"
        with m.State("WORD"):
            m.d.comb += store.en.eq(1)
            m.d.sync += index.eq(index + 1)
            m.next = "HEADER"
            with m.Switch(index):
                with m.Case(MAGIC_WORD), m.If(image.word != int.from_bytes(MAGIC, "little")):
                    self._end(m, FlashState.EMPTY)
                with m.Case(VERSION_WORD), m.If(image.word != (VERSION | len(SECTIONS) << 16)):
                    self._end(m, FlashState.VERSION)
                with m.Case(HASH_WORD):
                    m.d.sync += is_other.eq(image.word != int(self.config.hash, 16))
                with m.Case(CRC_WORD):
                    m.d.sync += index.eq(TABLE_WORD)
                    m.next = "OFFSET"
                    with m.If(~image.matches):
                        self._end(m, FlashState.DAMAGED)
                    with m.Elif(is_other):
                        self._end(m, FlashState.ENGINE)

    def _add_sections(self, m, image, index, section, entry):
        """Each section by its entry of the table: offset, size, CRC-32."""
        left, is_sent, answer = Signal(ADDRESS_BITS), Signal(), self.engine.o
        m.d.comb += is_sent.eq(section < Section.ACTIVATIONS.value)
        with m.State("OFFSET"):
            m.d.comb += image.restart.eq(1)
            m.d.sync += index.eq(index + 1)
            m.next = "LENGTH"
            with m.If(entry != image.position):
                self._end(m, FlashState.DAMAGED)
        with m.State("LENGTH"):
            m.d.sync += [left.eq(entry), index.eq(index + 1)]
            m.next = "BYTES"
            with m.If(is_sent):
                m.next = "TARGET"
        with m.State("TARGET"):
            self._write(m, "target", section << ITEM_BITS, "BYTES")
        with m.State("BYTES"):
            self._take(m, image, left != 0)
            with m.If(image.valid):
                m.d.sync += left.eq(left - 1)
            with m.If(left == 0):
                m.next = "CHECK"
            with m.Elif(image.is_word & is_sent):
                m.next = "SEND"
        with m.State("SEND"):
            self._write(m, "write_data", image.word, "BYTES")
        with m.State("CHECK"):
            m.next = "NEXT"
            with m.If(entry != image.crc):
                self._end(m, FlashState.DAMAGED)
            with m.Elif(is_sent):
                m.next = "ASK"
        with m.State("ASK"):
            m.d.comb += [self.engine.i.valid.eq(1), self.engine.i.payload.address.eq(self._offsets["checksum"])]
            with m.If(self.engine.i.ready):
                m.next = "ANSWER"
        with m.State("ANSWER"):
            m.d.comb += answer.ready.eq(1)
            with m.If(answer.valid):
                m.next = "NEXT"
                with m.If(entry != answer.payload.data):
                    self._end(m, FlashState.REFUSED)
        with m.State("NEXT"):
            m.d.sync += [index.eq(index + 1), section.eq(section + 1)]
            m.next = "OFFSET"
            with m.If(section == len(SECTIONS) - 1):
                m.d.sync += index.eq(SIZE_WORD)
                m.next = "SIZE"

    def _add_end(self, m, image, index, word):
        """The size of the whole, and how many loads it has."""
        with m.State("SIZE"):
            m.d.sync += index.eq(LOADS_SIZE_WORD)
            m.next = "COUNT"
            with m.If(word != image.position):
                self._end(m, FlashState.DAMAGED)
        with m.State("COUNT"):
            self._write(m, "load_count", word[2:], "LOADED")
            with m.If(self.engine.write.ready):
                m.d.sync += index.eq(CRC_WORD)
        with m.State("LOADED"):
            m.d.comb += self.is_loaded.eq(1)
            self._end(m, FlashState.LOADED)
        with m.State("END"):
            pass
