"""An engine on a board, over its serial port."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from ...golden.engine.checks import Checks
from ...golden.engine.image import INPUT, OUTPUT, STATE, EngineError, Fault, header_crc, read_image
from ...golden.engine.ports import Ports
from ...hdl.config.engine import EngineConfig
from ...hdl.csr.axi_lite import Response
from ...hdl.csr.register_map import Access, ErrorCode
from ...hdl.csr.register_master import READ, WRITE
from ...hdl.engine.control.image_words import Section
from ...hdl.engine_core.register_map import engine_register_map
from ...hdl.engine_core.word_writer import WORD_BYTES
from ...hdl.flash.flash_loader import FLASH, IMAGE
from ...hdl.flash.image_loader import FlashState
from ...hdl.uart_bridge.accelerator import ENGINE_MAGIC
from .connection import Connection
from .link import LinkError
from .payloads import pack_fields

# Word and response, as of `ANSWER`.
ANSWER = struct.Struct("<IB")
# The event that tells of a run's end; it is cleared before each.
FINISHED = "interrupt_status.finished"
# Cycles by which a run may be longer than its image says; after a fault it waits some for tables.
PATIENCE = 1000
# Of a run that can be told from a longer one: its cycles are counted in 32 bits.
MOST_CYCLES = (1 << 32) - PATIENCE
# Cycles of the engine that asking for its state takes at least, at the lowest rate of its clock to the bridge's; and
# how often it is asked beyond those of a run.
POLL_CYCLES, POLLS = 64, 1000
# How often the board is asked whether it still loads the image in its flash: a full one takes 22 seconds at 25 MHz.
FLASH_POLLS = 100_000
# Why an image that is not on the board already must be sent.
FLASH_STATES = {
    FlashState.LOADED: "the board has another image",
    FlashState.SILENT: "no flash answers",
    FlashState.EMPTY: "the flash has no image",
    FlashState.VERSION: "the flash has an image of another version",
    FlashState.ENGINE: "the flash has an image for another engine",
    FlashState.DAMAGED: "the flash has an image that is damaged or cut short",
    FlashState.REFUSED: "the flash has an image whose words the engine does not take",
}


@dataclass(frozen=True)
class BoardRun:
    """What a run gives.

    Attributes
    ----------
    output : int8 array
        Bytes of the outputs.
    classes : int array (rows,)
        As of `Run`.
    argmax : int
        What END gives.
    cycles : int
        Of the engine's clock.
    """

    output: np.ndarray
    classes: np.ndarray
    argmax: int
    cycles: int


class EngineBoard(Connection):
    """An engine on a board: load an image, run it on inputs. `docs/engine.md` has its registers, by which all is done.

    Parameters and attributes are those of `Connection`. A run that a fault ends, or `cancel`, leaves the engine as it
    was, but for the states of a stream, which must be begun anew. After `reconnect` the image must be loaded again.

    Raises
    ------
    LinkError
        From every method, also if words do not arrive, or the engine refuses an access.
    EngineError
        From `load`, `start`, `wait` and `run`: the image or the input is refused, or a fault ended the run.
    """

    holds, magic, configuration = "an engine", ENGINE_MAGIC, EngineConfig

    def _identify(self, response):
        super()._identify(response)
        self._image = None
        registers = engine_register_map(self.config)
        self._offsets = {register.name: register.offset for register in registers} | {"flash": FLASH, "image": IMAGE}
        self._fields = {f"{register.name}.{field.name}": field for register in registers for field in register.fields}
        constants = {register.name: sum(field.reset << field.low for field in register.fields) for register in registers
                     if all(field.access is Access.CONSTANT for field in register.fields)}
        self.flash_state()
        for (name, expected), word in zip(constants.items(), self._read(*constants)):
            _require(name, word, expected)

    def load(self, data, keeps=False):
        """Check an image, load it, and begin a stream. A run that goes on is canceled.

        Parameters
        ----------
        data : bytes
        keeps : bool
            Do not send an image that the engine has already, from the flash or from a former session.

        Returns
        -------
        bool
            Whether it was kept.
        """
        image = read_image(self.config, data)
        Checks(self.config, image).run()
        if not 0 < image.cycles < MOST_CYCLES:
            raise EngineError(f"image must say that a run takes from 1 to {MOST_CYCLES - 1:,} cycles, not "
                              f"{image.cycles:,}")
        self._image = None
        self.cancel()
        self._set(("control", self._bit("control.clear_error")), ("interrupt_status", self._bit(FINISHED)))
        crc = header_crc(data)
        is_kept = keeps and self._read("image") == (crc,)
        if not is_kept:
            self._send_image(image)
            self._set(("image", crc))
        self._image, self._ports = image, Ports(image)
        self.begin_stream()
        return is_kept

    def load_flash(self):
        """Load the image that the board's flash has, as the board does after its reset; ``load`` with ``keeps`` makes
        it known to this driver. A run that goes on is canceled.
        """
        self._image = None
        self.cancel()
        self._set(("flash", 0))
        if (state := self.flash_state()) is not FlashState.LOADED:
            raise LinkError(f"board must load the image in its flash, and does not: {FLASH_STATES[state]}")

    def flash_state(self):
        """The `FlashState` after the board has tried to load the image in its flash."""
        for _ in range(FLASH_POLLS):
            state = FlashState(*self._read("flash"))
            if state is not FlashState.LOADING:
                return state
        raise LinkError(f"board must have loaded the image in its flash when asked {FLASH_POLLS:,} times, and has not")

    def _send_image(self, image):
        """Write the sections that the engine gets; until all are there the board has no image."""
        self._set(("image", 0))
        for section, content in zip(Section, image.sections[:Section.ACTIVATIONS.value]):
            self._send(section, 0, content)
        self._set(("load_count", len(image.loads)))
        _require("load_count", *self._read("load_count"), len(image.loads))

    def begin_stream(self):
        """Give the states of the image their first values."""
        self._require_image()
        self._has_begun = False
        self._store(self._ports.addresses[STATE], self._image.states.view(np.uint8))

    def start(self, x):
        """Write an input, bytes or an int8 array, and begin a run. EngineError if one goes on."""
        self._require_image()
        data = self._ports.input(x)
        if self._value("status.busy", *self._read("status")):
            raise EngineError("run must have ended before another begins, and has not")
        self._has_begun = False
        self._set(("interrupt_status", self._bit(FINISHED)), ("control", self._bit("control.clear_error")))
        self._store(self._ports.addresses[INPUT], data)
        self._set(("control", self._bit("control.start")))
        self._has_begun = True

    def wait(self):
        """The `BoardRun` of the run that was begun, when it has ended; one that goes on for too long is canceled."""
        self._require_image()
        if not self._has_begun:
            raise EngineError("run must have begun before its results are read, and has not")
        status, cycles, fault, argmax, error, events = self._ended(self._image.cycles + PATIENCE)
        if error:
            raise LinkError(f"board must do every access, and refuses {self._value('error.count', error)}, the first "
                            f"as {ErrorCode(self._value('error.code', error)).name}")
        if code := self._value("fault.code", fault):
            raise EngineError(f"must break no rule, and ends the run with fault {code} ({Fault(code).name})",
                              self._value("fault.descriptor", fault), Fault(code))
        if not self._value(FINISHED, events):
            raise LinkError("board must have ended a run since the last start, and has not")
        if self._value("status.canceled", status):
            raise EngineError(f"run must end by itself, and was canceled after {cycles:,} cycles")
        output = self._fetch(self._ports.addresses[OUTPUT]).view(np.int8)
        return BoardRun(output, self._ports.classes(output, argmax), self._value("result.argmax", argmax), cycles)

    def run(self, x):
        """`start` and `wait`."""
        self.start(x)
        return self.wait()

    def cancel(self):
        """End a run that goes on, and wait until the engine can be used again."""
        self._set(("control", self._bit("control.cancel")))
        self._ended(0)

    def _require_image(self):
        if self._image is None:
            raise EngineError("image must be loaded before a run, and is not")

    def _ended(self, most):
        """Registers of the last run, after it; one of more than so many cycles is canceled."""
        for _ in range(POLLS + most // POLL_CYCLES):
            status, cycles, *others = self._read("status", "cycles", "fault", "result", "error", "interrupt_status")
            if not self._value("status.busy", status):
                return status, cycles, *others
            if cycles > most:
                self._set(("control", self._bit("control.cancel")))
        raise LinkError(f"board must end its run, and is busy after {cycles:,} cycles")

    # Registers.

    def _value(self, name, word):
        """The value of a field, such as ``status.busy``, in a word."""
        field = self._fields[name]
        return word >> field.low & (1 << field.bits) - 1

    def _bit(self, name):
        """A word with the lowest bit of a field."""
        return 1 << self._fields[name].low

    def _set(self, *writes):
        """Write registers, pairs of name and word, in order."""
        self._write([pack_fields(WRITE, {"address": self._offsets[name], "data": word}) for name, word in writes])

    def _read(self, *names):
        """The words of registers, in order."""
        answers = self._run([pack_fields(READ, {"address": self._offsets[name]}) for name in names])
        words, responses = zip(*map(ANSWER.unpack, answers))
        for name, response in zip(names, responses):
            if response != Response.OKAY.value:
                raise LinkError(f"board must let its register {name} be read, and refuses")
        return words

    # Memories.

    def _send(self, section, item, data):
        """Write bytes, in whole words, to a section from an item on; that all arrived is seen by their CRC-32."""
        target = section.value << self._fields["target.section"].low | item << self._fields["target.item"].low
        words = struct.unpack(f"<{len(data) // WORD_BYTES}I", data)
        self._set(("target", target), *(("write_data", word) for word in words))
        kept, checksum = self._read("target", "checksum")
        # Without it words go where those before them went.
        _require("target", kept, target)
        if checksum != zlib.crc32(data):
            raise LinkError(f"board must take the {len(words)} words of {section.name.lower()} from item {item} on as "
                            "they were sent, and has another CRC-32 of them")

    def _store(self, addresses, data):
        """Write bytes to addresses of the activation memory."""
        words, index = np.unique(addresses // WORD_BYTES, return_inverse=True)
        is_whole = len(np.unique(addresses)) == WORD_BYTES * len(words)
        memory = np.zeros((len(words), WORD_BYTES), np.uint8) if is_whole else self._fetch_words(words)
        memory[index, addresses % WORD_BYTES] = data
        for run in _runs(words):
            self._send(Section.ACTIVATIONS, WORD_BYTES * int(words[run.start]), memory[run].tobytes())

    def _fetch(self, addresses):
        """The bytes, uint8, at addresses of the activation memory."""
        words, index = np.unique(addresses // WORD_BYTES, return_inverse=True)
        return self._fetch_words(words)[index, addresses % WORD_BYTES]

    def _fetch_words(self, words):
        """Words of the activation memory by their numbers, uint8 (words, bytes)."""
        found = []
        for run in _runs(words):
            address = WORD_BYTES * int(words[run.start])
            self._set(("read_address", address))
            kept, *data = self._read("read_address", *["read_data"] * (run.stop - run.start))
            _require("read_address", kept, address)
            found += data
        return np.array(found, "<u4").view(np.uint8).reshape(-1, WORD_BYTES)


def _require(name, word, expected):
    """LinkError unless a register has a word, as engines of this version, or after it was written."""
    if word != expected:
        raise LinkError(f"board must have {expected:#x} in its register {name}, and has {word:#x}")


def _runs(numbers):
    """Slices of rising numbers that follow one another."""
    ends = (np.flatnonzero(np.diff(numbers, append=-1) != 1) + 1).tolist()
    return [slice(first, end) for first, end in zip([0, *ends], ends)]
