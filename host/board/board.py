"""A macro on a board, over its serial port."""

import os
import struct
from contextlib import contextmanager

import numpy as np

from ...golden.macro import Results
from ...golden.program import Write
from ...hdl.config import MacroConfig
from ...hdl.uart_bridge.protocol import IDENTITY_STRUCT, LINK_COUNTERS_BYTES, MAGIC, VERSION, Command, sizes
from .link import LATENCY_S, Link, LinkError
from .payloads import read_counters, read_result, vector_payload, write_payload

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


def in_order(program):
    """Yield a program in order, as pairs (writes, vectors): the writes are done before the vectors.

    A program fixes only a part of the order; its results must not depend on the rest.
    """
    all_writes, all_vectors = list(program.writes), list(program.vectors)
    writes = vectors = 0
    while writes < len(all_writes) or vectors < len(all_vectors):
        last = writes
        while last < len(all_writes) and all_writes[last].after <= vectors:
            last += 1
        ready, writes = all_writes[writes:last], last
        until = len(all_vectors) if writes == len(all_writes) else all_writes[writes].after
        last = vectors
        while last < min(until, len(all_vectors)) and all_vectors[last].after <= writes:
            last += 1
        run, vectors = all_vectors[vectors:last], last
        if not ready and not run:
            raise ValueError(f"program must not wait for itself, and does at write {writes} and vector {vectors}")
        yield ready, run


class Board:
    """A macro on a board: connect, load weights, run vectors.

    Parameters
    ----------
    port : str
        Device of the serial port, such as ``/dev/ttyUSB0``, or a URL of pyserial.
    config : MacroConfig
        Configuration that the board must have; by default any.
    baud : int
        Bits per second.
    latency : float
        Seconds that the operating system and USB may add to each exchange. A request without a response in the time
        on the wire plus ``latency`` is sent again, up to `ATTEMPTS` times in all.

    Attributes
    ----------
    config : MacroConfig
    clock_hz, bridge_hz : int
        Frequencies of the clocks of the macro and of the bridge, as the board reports them.

    Raises
    ------
    LinkError
        From every method; then call `reconnect`. The board keeps its weights.
    """

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
        magic, version = response[:len(MAGIC)], response[len(MAGIC):len(MAGIC) + 1]
        if magic != MAGIC or version != bytes([VERSION]):
            raise LinkError(f"board must speak version {VERSION} of the protocol, and says {response[:16]!r}")
        try:
            _, _, fingerprint, self.clock_hz, self.bridge_hz, buffer = IDENTITY_STRUCT.unpack_from(response)
            found = MacroConfig.from_json(response[IDENTITY_STRUCT.size:].decode())
        except (ValueError, TypeError, struct.error) as error:
            raise LinkError(f"board must hold a macro that this version knows, and does not: {error}") from None
        wanted = self.config or found
        if fingerprint.hex() != wanted.hash:
            pairs = zip(found.to_dict().items(), wanted.to_dict().values())
            difference = ", ".join(f"{name} {value}, not {other}" for (name, value), other in pairs if value != other)
            raise LinkError(f"board must hold configuration {wanted.hash}, and holds {fingerprint.hex()}: "
                            f"{difference or 'made by another version'}")
        self.config, self._sizes = found, sizes(found, buffer)

    def load(self, bank, weights):
        """Write weights (rows, columns) into a bank."""
        self.write([Write(bank, row, values) for row, values in enumerate(np.asarray(weights))])

    def write(self, writes, progress=None):
        """Write rows, in order. ``progress`` is called with the number done."""
        done = 0
        for batch in batches(writes, self._sizes.rows):
            self._request(Command.WRITE, b"".join(write_payload(self.config, write) for write in batch))
            done += len(batch)
            if progress:
                progress(done)

    def run(self, vectors, progress=None):
        """Run vectors, in order; a list with a `Result` of each. ``progress`` is called with the number done."""
        results = []
        for batch in batches(vectors, self._sizes.vectors):
            payload = b"".join(vector_payload(self.config, vector) for vector in batch)
            response = self._request(Command.RUN, payload, len(batch) * self._sizes.result)
            results += [read_result(self.config, result, vector)
                        for vector, result in zip(batch, batches(response, self._sizes.result))]
            if progress:
                progress(len(results))
        return results

    def play(self, program, progress=None):
        """Run a `Program`; the `Results` of its vectors. ``progress`` is called with the number done."""
        results = []
        for writes, vectors in in_order(program):
            self.write(writes)
            before = len(results)
            results += self.run(vectors, progress and (lambda done, before=before: progress(before + done)))
        return Results.of(results, self.config.columns)

    def counters(self):
        """The board's counters since its reset, by name; see `docs/link.md`."""
        return read_counters(self._request(Command.READ_COUNTERS, b"", LINK_COUNTERS_BYTES))

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
