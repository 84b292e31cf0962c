"""Activation memory: so many bytes that follow one another are read and written in a cycle, at any address."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config.engine import MEMORY_BANKS
from ...config.widths import ceil_log2
from ...fabric.emitter import Platform
from ...fabric.memory import ByteRam
from ...fabric.mux import instantiate_choice, instantiate_rotation
from ..control.delays import delayed, exceeds

# Rows of a window.
WINDOW_ROWS = 3


class ActivationMemory(wiring.Component):
    """Four banks of words of ``lanes`` bytes; word ``n`` is in bank ``n % 4``.

    Latency: `READ` cycles from an address to its bytes; a byte that is written in cycle 0 is read with an address of
    cycle `WRITE`.

    Parameters
    ----------
    size : int
        Bytes; a multiple of ``4 * lanes``.
    lanes : int
    has_windows : bool
        Words of three rows can be read in a cycle.

    Members
    -------
    address : ``In(range(size))``
        Of the first byte to read.
    place : ``In(range(lanes))``
        Where in ``data`` the first byte is; those after the last place are in the first ones.
    data : ``Out(8 * lanes)``
        ``lanes`` bytes, `READ` cycles later.
    is_window : ``In(1)``
        If ``has_windows``, like the next three: words of three rows are read, whose numbers differ modulo 4.
    window : ``In(ArrayLayout(range(size), 3))``
        An address in each, at the same place of the word.
    window_rows : ``In(3)``
        Which are read.
    window_data : ``Out(ArrayLayout(8 * lanes, 3))``
        The words from that place on, `READ` cycles later; if it is not their first place half of each.
    write_address : ``In(range(size))``
        Of the first byte to write.
    write_data : ``In(8 * lanes)``
        The bytes.
    write : ``In(lanes)``
        Which of them are written.
    """

    READ, WRITE = 6, 1

    def __init__(self, *, size, lanes, has_windows=False):
        self.size, self.lanes, self.has_windows = size, lanes, has_windows
        windows = {"is_window": In(1), "window": In(data.ArrayLayout(ceil_log2(size), WINDOW_ROWS)),
                   "window_rows": In(WINDOW_ROWS), "window_data": Out(data.ArrayLayout(8 * lanes, WINDOW_ROWS))}
        super().__init__({
            **(windows if has_windows else {}),
            "address": In(range(size)), "place": In(range(lanes)), "data": Out(8 * lanes),
            "write_address": In(range(size)), "write_data": In(8 * lanes), "write": In(lanes),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        lane_bits, bank_bits = ceil_log2(self.lanes), ceil_log2(MEMORY_BANKS)
        # The first row of a window comes the way of what is read otherwise.
        address, place = (Signal.like(value, name=f"late_{name}", reset_less=True) for name, value in (
            ("address", self.address), ("place", self.place)))
        m.d.sync += [address.eq(self.address), place.eq(self.place)]
        if self.has_windows:
            self._late_window, self._late_rows = (delayed(m, f"late_{name}", value, 1) for name, value in (
                ("window", self.window), ("window_rows", self.window_rows)))
            is_window = delayed(m, "late_is_window", self.is_window, 1)
            with m.If(self.is_window):
                m.d.sync += [address.eq(self.window[0]), place.eq(0)]
        bank, above = address[lane_bits:lane_bits + bank_bits], address[lane_bits + bank_bits:]
        rotation = delayed(m, "rotation", (place - address[:lane_bits])[:lane_bits], self.READ - 2)
        # From this lane on bytes are those of the first word.
        lane = delayed(m, "lane", address[:lane_bits], self.READ - 3)
        first = delayed(m, "bank", bank, self.READ - 3)
        written = self._written(m, platform)
        words = []
        for index in range(MEMORY_BANKS):
            row = Signal(range(self.size // self.lanes // MEMORY_BANKS), name=f"row_{index}", reset_less=True)
            m.d.sync += row.eq(above + exceeds(bank, index))
            if self.has_windows:
                with m.If(is_window):
                    for each in range(WINDOW_ROWS):
                        number = self._late_window[each][lane_bits:]
                        with m.If(self._late_rows[each] & (number[:bank_bits] == index)):
                            m.d.sync += row.eq(number[bank_bits:])
            cells = platform.instantiate(m, f"bank_{index}", "activation_bank", ByteRam, width=8 * self.lanes,
                                         depth=self.size // self.lanes // MEMORY_BANKS)
            write, write_row, given = written[index]
            m.d.comb += [cells.enable.eq(1), cells.address.eq(row), cells.write.eq(write),
                         cells.write_address.eq(write_row), cells.write_data.eq(given)]
            words.append([cells.data[8 * byte:8 * byte + 8] for byte in range(self.lanes)])
        chosen = Cat(instantiate_choice(m, platform, f"chosen_{byte}", [word[byte] for word in words],
                                        (first + exceeds(lane, byte))[:bank_bits]) for byte in range(self.lanes))
        turned = instantiate_rotation(m, platform, "turned", delayed(m, "chosen", chosen, 1), 8, rotation)
        m.d.comb += self.data.eq(delayed(m, "read", turned, 1))
        if self.has_windows:
            self._choose_windows(m, platform, words)
        return m

    def _choose_windows(self, m, platform, words):
        """Words of three rows, from a place on; what does not begin at a word's first place is half a word at most."""
        lane_bits, bank_bits = ceil_log2(self.lanes), ceil_log2(MEMORY_BANKS)
        amount = delayed(m, "window_rotation", (-self._late_window[0][:lane_bits])[:lane_bits], self.READ - 2)
        m.d.comb += self.window_data[0].eq(self.data)
        for row in range(1, WINDOW_ROWS):
            number = self._late_window[row][lane_bits:]
            bank = delayed(m, f"window_bank_{row}", number[:bank_bits], self.READ - 3)
            chosen = instantiate_choice(m, platform, f"window_word_{row}", [Cat(word) for word in words], bank)
            word, half = delayed(m, f"window_{row}", chosen, 1), 4 * self.lanes
            turned = instantiate_rotation(m, platform, f"window_turned_{row}", word, 8, amount)
            word = Cat(turned[:half], word[half:])
            m.d.comb += self.window_data[row].eq(delayed(m, f"window_read_{row}", word, 1))

    def _written(self, m, platform):
        """For each bank: which bytes of a word are written, its row, and the bytes."""
        lane_bits, bank_bits = ceil_log2(self.lanes), ceil_log2(MEMORY_BANKS)
        lane = self.write_address[:lane_bits]
        given = delayed(m, "write_bytes", instantiate_rotation(m, platform, "given", self.write_data, 8, lane), 1)
        write = delayed(m, "write_lanes", instantiate_rotation(m, platform, "lanes_from", self.write, 1, lane), 1,
                        reset=True)
        address = delayed(m, "write_at", self.write_address, 1)
        first, lane = address[lane_bits:], address[:lane_bits]
        following = Signal.like(first)
        m.d.comb += following.eq(first + 1)
        found = []
        for index in range(MEMORY_BANKS):
            # Of the two words only one is in the bank.
            is_first, is_following = (word[:bank_bits] == index for word in (first, following))
            found.append((Cat(write[byte] & Mux(exceeds(lane, byte), is_following, is_first)
                              for byte in range(self.lanes)),
                          Mux(is_first, first[bank_bits:], following[bank_bits:]), given))
        return found
