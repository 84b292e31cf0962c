"""A board over its serial port, whichever accelerator it has."""

import os
import struct
from contextlib import contextmanager

from ...hdl.uart_bridge.accelerator import accelerator
from ...hdl.uart_bridge.protocol import IDENTITY_STRUCT, LINK_COUNTERS_BYTES, MAGIC_BYTES, VERSION, Command, sizes
from .link import LATENCY_S, Link, LinkError
from .payloads import read_counters

try:
    import serial
except ImportError:
    # Needed only to connect to a board.
    serial = None

# The operating system must accept what is sent in this time.
WRITE_TIMEOUT_S = 2.0


def batches(items, max_items):
    """Consecutive items, in batches of at most ``max_items``."""
    for first in range(0, len(items), max_items):
        yield items[first:first + max_items]


class Connection:
    """Base of the drivers of boards: the port, the session, and who the board is.

    Parameters
    ----------
    port : str
        Device of the serial port, such as ``/dev/ttyUSB0``, or a URL of pyserial.
    config : MacroConfig or EngineConfig
        Configuration that the board must have; by default any.
    baud : int
        Bits per second.
    latency : float
        Seconds that the operating system and USB may add to each exchange. A request without a response in the time
        on the wire plus ``latency`` is sent again, up to `ATTEMPTS` times in all.

    Attributes
    ----------
    config : MacroConfig or EngineConfig
    clock_hz, bridge_hz : int
        Frequencies of the clocks of the accelerator and of the bridge, as the board reports them.

    Raises
    ------
    LinkError
        From every method; then call `reconnect`. The board keeps what was loaded.
    """

    # What the board must hold, in words; how its identity begins then; the class of its configuration.
    holds = magic = configuration = None

    def __init__(self, port, config=None, *, baud=1_000_000, latency=LATENCY_S):
        self.port, self.config, self.baud, self.latency = port, config, baud, latency
        self._serial = None
        self.reconnect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the port."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def reconnect(self):
        """Open the port again, start a session and check that the board is the right one."""
        if serial is None:
            raise LinkError("pyserial not found: pip install -e '.[fpga]'")
        self.close()
        with self._failures("opened"):
            self._serial = serial.serial_for_url(self.port, self.baud, write_timeout=WRITE_TIMEOUT_S, exclusive=True)
        try:
            self._link = Link(baud=self.baud, latency=self.latency)
            self._identify(self._do(self._link.connect()))
        except BaseException:
            self.close()
            raise

    def _identify(self, response):
        if response[:MAGIC_BYTES + 1] != self.magic + bytes([VERSION]):
            raise LinkError(f"board must hold {self.holds} and speak version {VERSION} of the protocol, and says "
                            f"{response[:16]!r}")
        try:
            _, _, fingerprint, self.clock_hz, self.bridge_hz, buffer = IDENTITY_STRUCT.unpack_from(response)
            found = self.configuration.from_json(response[IDENTITY_STRUCT.size:].decode())
            board = accelerator(found)
        except (ValueError, TypeError, struct.error) as error:
            raise LinkError(f"board must hold {self.holds} that this version knows, and does not: {error}") from None
        wanted = self.config or found
        if fingerprint.hex() != wanted.hash:
            raise LinkError(f"board must hold configuration {wanted.hash}, and holds {fingerprint.hex()}: "
                            f"{differences(found, wanted) or 'made by another version'}")
        self.config, self._sizes = found, sizes(board, buffer)

    def counters(self):
        """The board's counters since its reset, by name; see `docs/link.md`."""
        return read_counters(self._request(Command.READ_COUNTERS, b"", LINK_COUNTERS_BYTES))

    def _write(self, items, progress=None):
        """Send items of bytes that have no result, in order. ``progress`` is called with the number done."""
        done = 0
        for batch in batches(items, self._sizes.rows):
            self._request(Command.WRITE, b"".join(batch))
            done += len(batch)
            if progress:
                progress(done)

    def _run(self, items, progress=None):
        """Send items of bytes, in order; the bytes of the result of each. ``progress`` as of `_write`."""
        results = []
        for batch in batches(items, self._sizes.vectors):
            response = self._request(Command.RUN, b"".join(batch), len(batch) * self._sizes.result)
            results += batches(response, self._sizes.result)
            if progress:
                progress(len(results))
        return results

    def _request(self, command, payload, response_bytes=0):
        return self._do(self._link.request(command, payload, response_bytes))

    def _do(self, exchange):
        """Run an exchange of the link over the port, and return its value."""
        arrived = None
        while True:
            try:
                transfer = exchange.send(arrived)
            except StopIteration as finished:
                return finished.value
            arrived = self._transfer(transfer)

    def _transfer(self, transfer):
        if self._serial is None:
            raise LinkError(f"port {self.port} must be open, and is not: call reconnect")
        with self._failures("used"):
            if transfer.data:
                self._serial.write(transfer.data)
            self._serial.timeout = self._link.remaining(transfer)
            return self._serial.read(1) + self._serial.read(self._serial.in_waiting)

    @contextmanager
    def _failures(self, done):
        """Turn what the port raises into a `LinkError` of one line."""
        try:
            yield
        except (OSError, ValueError) as error:
            self.close()
            errno = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(errno) if errno else str(error).splitlines()[0]
            raise LinkError(f"port {self.port} must be a serial port that can be {done}, and is not: "
                            f"{reason}") from None


def differences(found, wanted):
    """In which parameters two configurations differ, those of the macro in an engine among them."""
    pairs = zip(found.flat().items(), wanted.flat().values())
    return ", ".join(f"{name} {value}, not {other}" for (name, value), other in pairs if value != other)
