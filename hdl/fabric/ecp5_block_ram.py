"""Block RAM of ECP5: its cells, in the shapes that need the fewest cells and multiplexers."""

from dataclasses import dataclass

from amaranth.hdl import ClockSignal, Const, Instance, Signal

from ..config.tables import BLOCK_RAM_BITS

# Of a word, that which has an enable.
PIECE_BITS = 9
# Words of a memory and bits of each, for each of its shapes; pins of an address, of which the lowest are of words with
# fewer bits.
SHAPES = ((2048, 9), (1024, 18), (512, 36))
ADDRESS_PINS = 14


@dataclass(frozen=True)
class Page:
    """Words from ``start`` on, in memories side by side: so many words, and so many bits of each in a memory."""

    start: int
    words: int
    bits: int

    @property
    def address_bits(self):
        """Of an address within the page."""
        return self.words.bit_length() - 1

    def holds(self, address):
        """Whether an address is of the page."""
        return address[self.address_bits:] == self.start >> self.address_bits


def pages_of(depth):
    """Pages of so many words: as few as need no more memories than if each had ``BLOCK_RAM_BITS`` bits."""
    words, pages = SHAPES[-1][0], []
    start, left = 0, -(-depth // words) * words
    for words, bits in SHAPES:
        while left >= words:
            pages.append(Page(start, words, bits))
            start, left = start + words, left - words
    return pages


def page_index(pages, address):
    """Which of several pages an address is of."""
    index = address[pages[0].address_bits:]
    # Behind long pages a middle and a short one are in the place of a long one.
    return index + pages[-1].holds(address) if len({page.words for page in pages}) == len(SHAPES) else index


def add_memory(m, name, page, *, write, write_address, write_data, enables, enable, address):
    """A memory of a page: the word that it shows, two cycles of ``enable`` after its address.

    Ports as of `BlockRam`; pins that they have no bits for are low, and ``enables`` that are not there high.
    """
    data = Signal(page.bits, name=f"{name}_data")
    enables = [enables[bit] if bit < len(enables) else Const(1) for bit in range(page.bits // PIECE_BITS)]
    write_address, address = (_padded(each, page.address_bits) for each in (write_address, address))
    write_data = _padded(write_data, page.bits)
    if page.bits == BLOCK_RAM_BITS:
        kind = "PDPW16KD"
        pins = _wide_pins(data, write, write_address, write_data, enables, enable, address)
    else:
        kind = "DP16KD"
        pins = _narrow_pins(data, write, write_address, write_data, enables, enable, address)
    m.submodules[name] = Instance(kind, p_GSR="DISABLED", p_RESETMODE="SYNC", **pins)
    return data


def _padded(value, width):
    return [value[bit] if bit < len(value) else Const(0) for bit in range(width)]


def _numbered(name, values):
    return {f"{name}{bit}": value for bit, value in enumerate(values)}


def _wide_pins(data, write, write_address, write_data, enables, enable, address):
    """Pseudo dual port. Source: Lattice FPGA-TN-02204."""
    half, low = BLOCK_RAM_BITS // 2, [Const(0)] * (ADDRESS_PINS - len(address))
    return {
        "p_DATA_WIDTH_W": BLOCK_RAM_BITS, "p_DATA_WIDTH_R": BLOCK_RAM_BITS, "p_REGMODE": "OUTREG",
        "i_CLKW": ClockSignal(), "i_CLKR": ClockSignal(), "i_CEW": write, "i_CER": enable, "i_OCER": enable,
        "i_RST": Const(0), **_numbered("i_DI", write_data), **_numbered("i_BE", enables),
        # The halves of a word are swapped between write and read port.
        **{f"o_DO{(bit + half) % BLOCK_RAM_BITS}": data[bit] for bit in range(BLOCK_RAM_BITS)},
        **_numbered("i_ADW", write_address), **_numbered("i_ADR", [*low, *address]),
        **_numbered("i_CSW", [Const(0)] * 3), **_numbered("i_CSR", [Const(0)] * 3),
    }


def _narrow_pins(data, write, write_address, write_data, enables, enable, address):
    """True dual port, of which A writes and B reads. Source: Lattice FPGA-TN-02204."""
    bits, zero = len(data), Const(0)
    low = [zero] * (ADDRESS_PINS - len(address))
    # The lowest pins of an address enable the pieces of a word of two, which therefore are high in port B.
    if len(enables) > 1:
        write_low, low, writes = [*enables, *low[len(enables):]], [Const(1)] * len(enables) + low[len(enables):], write
    else:
        write_low, writes = low, write & enables[0]
    pins = {}
    for port, is_write in (("A", True), ("B", False)):
        pins |= {f"p_DATA_WIDTH_{port}": bits, f"p_REGMODE_{port}": "NOREG" if is_write else "OUTREG",
                 f"p_WRITEMODE_{port}": "NORMAL", f"i_CLK{port}": ClockSignal(),
                 f"i_CE{port}": writes if is_write else enable, f"i_OCE{port}": Const(1) if is_write else enable,
                 f"i_WE{port}": Const(is_write, 1), f"i_RST{port}": zero, **_numbered(f"i_CS{port}", [zero] * 3)}
    return pins | {
        **_numbered("i_DIA", [*write_data, *[zero] * (BLOCK_RAM_BITS // 2 - bits)]),
        **_numbered("i_DIB", [zero] * (BLOCK_RAM_BITS // 2)),
        **_numbered("i_ADA", [*write_low, *write_address]), **_numbered("i_ADB", [*low, *address]),
        **{f"o_DOB{bit}": data[bit] for bit in range(bits)},
    }
