"""The host's side of the wire protocol, without a port: what to send, how long to wait, what an answer is.

Exchanges are generators, so that the same code runs over a serial port and inside a simulation. They yield `Step` and
are sent the bytes that arrived, as soon as there are any or the time is over; they return what the answer carries.
"""

import secrets
import struct
import time
import zlib
from dataclasses import dataclass

from ...hdl.uart_bridge.protocol import CRC_BYTES, DONE, ESCAPE, FLAG, FLIP, HEADER_BYTES, OVERHEAD, Command, Refusal

HEADER = struct.Struct("<HBBH")

# A request is sent this often before the board counts as silent.
ATTEMPTS = 20
# Seconds that operating system and USB may add to the time on the wire, before a request is sent again.
LATENCY = 0.1
# Bytes; only the time to wait depends on it.
LONGEST_IDENTITY = 512
# No frame is longer on the wire than this many of its bytes: each may be stuffed.
STUFFED = 2

MEANINGS = {
    Refusal.SESSION: "it knows no such session (was it reset?)",
    Refusal.SEQUENCE: "the request is out of sequence",
    Refusal.COMMAND: "it knows no such command",
    Refusal.LENGTH: "the payload has a wrong length",
    Refusal.TAKEN: "the session is in use",
}


class LinkError(Exception):
    """The link or the board failed, in one line. What the request did is unknown; connect again."""


@dataclass(frozen=True)
class Frame:
    """Header and payload of a frame."""

    session: int
    sequence: int
    code: int
    payload: bytes = b""


@dataclass(frozen=True)
class Step:
    """What an exchange asks for: send ``data``, then wait for bytes, at most until ``deadline`` on the link's clock."""

    data: bytes
    deadline: float


def encode(frame):
    """A frame as it stands on the wire, between flags."""
    return wrap(HEADER.pack(frame.session, frame.sequence, frame.code, len(frame.payload)) + frame.payload)


def wrap(body):
    """Header and payload with their CRC, stuffed, between flags."""
    body += struct.pack("<I", zlib.crc32(body))
    # The escape first, because the flag's stuffing brings new ones.
    for byte in (ESCAPE, FLAG):
        body = body.replace(bytes([byte]), bytes([ESCAPE, byte ^ FLIP]))
    return bytes([FLAG]) + body + bytes([FLAG])


def decode(body):
    """The `Frame` between two flags, or None if it is not intact."""
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
    """Finds intact frames in bytes that arrive.

    Attributes
    ----------
    refused : int
        How often what stood between two flags was no intact frame.
    """

    def __init__(self, longest):
        self.refused = 0
        self._longest = longest
        self._rest = b""

    def feed(self, data):
        """The frames that these bytes complete."""
        *bodies, rest = (self._rest + data).split(bytes([FLAG]))
        # What cannot become a frame need not be kept whole.
        self._rest = rest[:self._longest + 1]
        frames = [decode(body) for body in bodies if body]
        self.refused += sum(frame is None for frame in frames)
        return [frame for frame in frames if frame]


class Link:
    """One session after the other with a bridge: one request at a time, repeated until it is answered.

    Parameters
    ----------
    baud : float
        Bits a second on the wire.
    latency : float
        Seconds beyond the time on the wire before a request is repeated.
    clock : callable
        Seconds; `Step` has its deadlines on it.
    random : callable
        ``random(n)`` is an integer from 0 to n - 1; tells sessions apart.

    Attributes
    ----------
    session, next : int
        Number of the session, None if there is none, and of the next request.
    repeats : int
        Requests that were sent again.
    """

    def __init__(self, *, baud, latency=LATENCY, clock=time.monotonic, random=secrets.randbelow):
        self.repeats = 0
        self._byte_time, self._latency, self._clock, self._random = 10 / baud, latency, clock, random
        self._finder = FrameFinder(STUFFED * 0x10000)
        self.session, self.next = None, None

    @property
    def refused(self):
        """What arrived and was no intact frame."""
        return self._finder.refused

    def remaining(self, step):
        """Seconds until a step's deadline, at least none."""
        return max(0.0, step.deadline - self._clock())

    def connect(self):
        """Start a session; the generator returns the board's identity."""
        self.session = None
        for _ in range(ATTEMPTS):
            session = 1 + self._random(0xFFFF)
            answer = yield from self._exchange(Frame(session, 0, Command.CONNECT), LONGEST_IDENTITY)
            # Another host's session may have had the same number: then take one that has not.
            if answer.code != Refusal.TAKEN:
                self._check(answer)
                self.session, self.next = session, 1
                return answer.payload
        raise LinkError(f"board must start one of {ATTEMPTS} sessions, and says that all are in use")

    def request(self, command, payload=b"", answer_bytes=0):
        """Have a command done, once; the generator returns the answer's payload, which must have ``answer_bytes``."""
        if self.session is None:
            raise LinkError("link must be connected before a request, and is not")
        session, self.session = self.session, None
        answer = yield from self._exchange(Frame(session, self.next, command, payload), answer_bytes)
        self._check(answer)
        if len(answer.payload) != answer_bytes:
            raise LinkError(f"board must answer {command.name} with {answer_bytes} bytes, not {len(answer.payload)}")
        # Only now is it known that board and host agree.
        self.session, self.next = session, (self.next + 1) % 0x100
        return answer.payload

    def _exchange(self, request, answer_bytes):
        """Send a request until an answer to it comes; the generator returns the answer."""
        data = encode(request)
        on_wire = len(data) + STUFFED * (answer_bytes + OVERHEAD) + 2
        codes = {request.code | DONE, *Refusal}
        for attempt in range(ATTEMPTS):
            self.repeats += attempt > 0
            deadline = self._clock() + on_wire * self._byte_time + self._latency
            outgoing = data
            while outgoing or self._clock() < deadline:
                arrived = yield Step(outgoing, deadline)
                outgoing = b""
                for answer in self._finder.feed(arrived):
                    if (answer.session, answer.sequence) == (request.session, request.sequence) \
                            and answer.code in codes:
                        return answer
        raise LinkError(f"board must answer within {ATTEMPTS} attempts "
                        f"({ATTEMPTS * (on_wire * self._byte_time + self._latency):.1f} s), and is silent")

    def _check(self, answer):
        if answer.code in MEANINGS:
            raise LinkError(f"board must do the request, and refuses: {MEANINGS[answer.code]}")
