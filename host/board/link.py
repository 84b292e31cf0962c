"""The host's side of the wire protocol, without a port: what to send, how long to wait, how to read a response.

Exchanges are generators, so that the same code runs over a serial port and inside a simulation. They yield a `Transfer`
and are sent the bytes received, as soon as there are any or at the deadline. They return the payload of the response.
"""

import secrets
import struct
import time
import zlib
from dataclasses import dataclass

from ...hdl.uart_bridge.protocol import CRC_BYTES, DONE, ESCAPE, FLAG, FLIP, HEADER_BYTES, OVERHEAD, Command, Refusal

HEADER = struct.Struct("<HBBH")

# A request is sent this many times before the board is reported silent.
ATTEMPTS = 20
# Seconds that the operating system and USB may add to the time on the wire before a request is sent again.
LATENCY_S = 0.1
# Bytes; used for the time to wait only.
MAX_IDENTITY_BYTES = 512
# Byte stuffing makes a frame on the wire at most this many times longer.
MAX_STUFFING = 2

MEANINGS = {
    Refusal.SESSION: "it knows no such session (was it reset?)",
    Refusal.SEQUENCE: "the request is out of sequence",
    Refusal.COMMAND: "it knows no such command",
    Refusal.LENGTH: "the payload has a wrong length",
    Refusal.TAKEN: "the session is in use",
}


class LinkError(Exception):
    """The link or the board failed; one line. Whether the request was done is unknown; connect again."""


@dataclass(frozen=True)
class Frame:
    """Header and payload of a frame."""

    session: int
    sequence: int
    code: int
    payload: bytes = b""


@dataclass(frozen=True)
class Transfer:
    """One transfer of an exchange: send ``data``, then wait for bytes until ``deadline`` on the link's clock."""

    data: bytes
    deadline: float


def encode(frame):
    """A frame as bytes on the wire, between flags."""
    return wrap(HEADER.pack(frame.session, frame.sequence, frame.code, len(frame.payload)) + frame.payload)


def wrap(body):
    """Add the CRC to header and payload, stuff the bytes, and put them between flags."""
    body += struct.pack("<I", zlib.crc32(body))
    # The escape first, because stuffing a flag adds escapes.
    for byte in (ESCAPE, FLAG):
        body = body.replace(bytes([byte]), bytes([ESCAPE, byte ^ FLIP]))
    return bytes([FLAG]) + body + bytes([FLAG])


def decode(body):
    """The `Frame` between two flags, or None if it is damaged."""
    parts = body.split(bytes([ESCAPE]))
    if any(not part for part in parts[1:]):
        return None
    body = parts[0] + b"".join(bytes([part[0] ^ FLIP]) + part[1:] for part in parts[1:])
    if len(body) < OVERHEAD or zlib.crc32(body[:-CRC_BYTES]) != struct.unpack("<I", body[-CRC_BYTES:])[0]:
        return None
    session, sequence, code, length = HEADER.unpack_from(body)
    payload = body[HEADER_BYTES:-CRC_BYTES]
    return Frame(session, sequence, code, payload) if len(payload) == length else None


class FrameFinder:
    """Finds intact frames in a stream of bytes.

    Attributes
    ----------
    refused : int
        Damaged frames received.
    """

    def __init__(self, max_bytes):
        self.refused = 0
        self._max_bytes = max_bytes
        self._rest = b""

    def feed(self, data):
        """The frames that these bytes complete."""
        *bodies, rest = (self._rest + data).split(bytes([FLAG]))
        # Longer than any frame: the rest need not be kept.
        self._rest = rest[:self._max_bytes + 1]
        frames = [decode(body) for body in bodies if body]
        self.refused += sum(frame is None for frame in frames)
        return [frame for frame in frames if frame]


class Link:
    """Sessions with a bridge, one after another: one request at a time, repeated until its response arrives.

    Parameters
    ----------
    baud : float
        Bits per second on the wire.
    latency : float
        Seconds beyond the time on the wire before a request is repeated.
    clock : callable
        Returns seconds; deadlines of `Transfer` refer to it.
    random : callable
        ``random(n)`` is an integer from 0 to n - 1, for the numbers of sessions.

    Attributes
    ----------
    session, next : int
        Number of the session, None if there is none, and the sequence number of the next request.
    repeats : int
        Times that a request was sent again.
    """

    def __init__(self, *, baud, latency=LATENCY_S, clock=time.monotonic, random=secrets.randbelow):
        self.repeats = 0
        self._byte_time, self._latency, self._clock, self._random = 10 / baud, latency, clock, random
        self._finder = FrameFinder(MAX_STUFFING * 0x10000)
        self.session, self.next = None, None

    @property
    def refused(self):
        """Damaged frames received."""
        return self._finder.refused

    def remaining(self, transfer):
        """Seconds until a transfer's deadline, not negative."""
        return max(0.0, transfer.deadline - self._clock())

    def connect(self):
        """Start a session; the generator returns the board's identity."""
        self.session = None
        for _ in range(ATTEMPTS):
            session = 1 + self._random(0xFFFF)
            response = yield from self._exchange(Frame(session, 0, Command.CONNECT), MAX_IDENTITY_BYTES)
            # Another host's session may have had the same number: try another one.
            if response.code != Refusal.TAKEN:
                self._check(response)
                self.session, self.next = session, 1
                return response.payload
        raise LinkError(f"board must start one of {ATTEMPTS} sessions, and says that all are in use")

    def request(self, command, payload=b"", response_bytes=0):
        """Have a command done exactly once; the generator returns the response's payload, ``response_bytes`` long."""
        if self.session is None:
            raise LinkError("link must be connected before a request, and is not")
        session, self.session = self.session, None
        response = yield from self._exchange(Frame(session, self.next, command, payload), response_bytes)
        self._check(response)
        if len(response.payload) != response_bytes:
            raise LinkError(f"board must answer {command.name} with {response_bytes} bytes, "
                            f"not {len(response.payload)}")
        # Only now do board and host agree on the sequence number.
        self.session, self.next = session, (self.next + 1) % 0x100
        return response.payload

    def _exchange(self, request, response_bytes):
        """Send a request until its response arrives; the generator returns the response."""
        data = encode(request)
        on_wire = len(data) + MAX_STUFFING * (response_bytes + OVERHEAD) + 2
        codes = {request.code | DONE, *Refusal}
        for attempt in range(ATTEMPTS):
            self.repeats += attempt > 0
            deadline = self._clock() + on_wire * self._byte_time + self._latency
            outgoing = data
            while outgoing or self._clock() < deadline:
                arrived = yield Transfer(outgoing, deadline)
                outgoing = b""
                for response in self._finder.feed(arrived):
                    if (response.session, response.sequence) == (request.session, request.sequence) \
                            and response.code in codes:
                        return response
        raise LinkError(f"board must answer within {ATTEMPTS} attempts "
                        f"({ATTEMPTS * (on_wire * self._byte_time + self._latency):.1f} s), and is silent")

    def _check(self, response):
        if response.code in MEANINGS:
            raise LinkError(f"board must do the request, and refuses: {MEANINGS[response.code]}")
