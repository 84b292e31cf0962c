"""A memory behind AXI4, which checks the protocol of its master."""

from collections import defaultdict, deque

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

PAGE = 4096
OKAY, SLVERR, DECERR = 0, 2, 3
# Of each channel whose source is the master: what must not change while an offer is not accepted.
OFFERS = {"ar": ("id", "addr", "len", "size", "burst", "cache", "prot"),
          "aw": ("id", "addr", "len", "size", "burst", "cache", "prot"), "w": ("data", "strb", "last")}
CHANNELS = (*OFFERS, "r", "b")


class AxiMemory:
    """Answers in any order that AXI4 allows, after a latency.

    Parameters
    ----------
    dut : cocotb handle
        With ports ``m_axi_*``.
    rng : random.Random
    base, size : int
        Addresses that exist; all others are answered with DECERR.

    Attributes
    ----------
    data : bytearray
    latency : (int, int)
        Least and most cycles from a request to its answer.
    pause : float
        Probability that a channel pauses in a cycle.
    faulty : list of (int, int)
        Ranges of addresses that are answered with SLVERR.
    silent : set of str
        Channels that do nothing.
    """

    def __init__(self, dut, rng, base, size):
        self.dut, self.rng, self.base, self.data = dut, rng, base, bytearray(size)
        self.latency, self.pause, self.faulty, self.silent = (1, 1), 0.0, [], set()
        self.beat_bytes = len(dut.m_axi_rdata) // 8
        self._clear()
        self._drive()

    def start(self):
        """Run from now on."""
        cocotb.start_soon(self._run())

    def _clear(self):
        self._cycle, self._offered = 0, {}
        # With the cycle in which it is due: beats to come by identifier, bursts to write, beats of them, answers.
        self._reads, self._writes, self._beats, self._answers = defaultdict(deque), deque(), deque(), deque()
        self._read, self._is_answering = None, False
        self._ready = dict.fromkeys(OFFERS, False)

    @property
    def is_idle(self):
        """Whether nothing is owed."""
        return not (any(self._reads.values()) or self._writes or self._beats or self._answers)

    def _port(self, name):
        return getattr(self.dut, f"m_axi_{name}")

    async def _run(self):
        while True:
            await ReadOnly()
            seen = {name: int(self._port(name).value) for name in (
                *(f"{channel}{field}" for channel, fields in OFFERS.items() for field in (*fields, "valid")),
                "rready", "bready")}
            in_reset = not int(self.dut.aresetn.value)
            await RisingEdge(self.dut.aclk)
            if in_reset:
                self._clear()
            else:
                self._cycle += 1
                self._check(seen)
                self._take(seen)
                self._write()
            self._drive()

    def _check(self, seen):
        """What the master may do with an offer, and what a burst may be."""
        assert seen["rready"] and seen["bready"], "answers are always accepted"
        for channel, fields in OFFERS.items():
            offer = tuple(seen[channel + field] for field in fields) if seen[f"{channel}valid"] else None
            before = self._offered.get(channel)
            assert before is None or offer == before, f"{channel} must keep its offer until it is accepted"
            self._offered[channel] = None if self._ready[channel] else offer

    def _burst(self, seen, channel):
        """First address and beats of a request."""
        address, beats = seen[f"{channel}addr"], seen[f"{channel}len"] + 1
        assert seen[f"{channel}burst"] == 1 and 1 << seen[f"{channel}size"] == self.beat_bytes
        assert address % self.beat_bytes == 0
        last = address + beats * self.beat_bytes - 1
        assert address // PAGE == last // PAGE, f"a burst must not cross 4 KiB: {address:#x} to {last:#x}"
        return address, beats

    def _response(self, address):
        if any(low <= address < high for low, high in self.faulty):
            return SLVERR
        return OKAY if 0 <= address - self.base < len(self.data) else DECERR

    def _due(self):
        return self._cycle + self.rng.randint(*self.latency)

    def _take(self, seen):
        """What was accepted in this cycle."""
        if self._read is not None:
            self._reads[self._read].popleft()
        if self._is_answering:
            self._answers.popleft()
        if seen["arvalid"] and self._ready["ar"]:
            (address, beats), due = self._burst(seen, "ar"), self._due()
            self._reads[seen["arid"]] += [(due, address + self.beat_bytes * beat, beat == beats - 1)
                                          for beat in range(beats)]
        if seen["awvalid"] and self._ready["aw"]:
            self._writes.append(self._burst(seen, "aw"))
        if seen["wvalid"] and self._ready["w"]:
            self._beats.append((seen["wdata"].to_bytes(self.beat_bytes, "little"), seen["wstrb"], seen["wlast"]))

    def _write(self):
        """Bursts whose beats are all there."""
        while self._writes and len(self._beats) >= self._writes[0][1]:
            (address, beats), response = self._writes.popleft(), OKAY
            for beat in range(beats):
                data, strobe, is_last = self._beats.popleft()
                assert is_last == (beat == beats - 1), "wlast must come with the last beat of a burst"
                first = address + beat * self.beat_bytes
                found = self._response(first)
                response = max(response, found)
                for index, byte in enumerate(data):
                    if found == OKAY and strobe >> index & 1:
                        self.data[first - self.base + index] = byte
            self._answers.append((self._due(), response))

    def _acts(self, channel):
        return channel not in self.silent and self.rng.random() >= self.pause

    def _drive(self):
        """Inputs of the master until the next edge; an answer that is offered is accepted."""
        for channel in OFFERS:
            self._ready[channel] = self._acts(channel)
            self._port(f"{channel}ready").value = self._ready[channel]
        due = [identifier for identifier, beats in self._reads.items() if beats and beats[0][0] <= self._cycle]
        self._read = self.rng.choice(due) if due and self._acts("r") else None
        self._port("rvalid").value = self._read is not None
        if self._read is not None:
            _, address, is_last = self._reads[self._read][0]
            response, first = self._response(address), address - self.base
            word = self.data[first:first + self.beat_bytes] if response == OKAY else self.rng.randbytes(self.beat_bytes)
            self._port("rid").value = self._read
            self._port("rdata").value = int.from_bytes(word, "little")
            self._port("rresp").value = response
            self._port("rlast").value = is_last
        self._is_answering = bool(self._answers) and self._answers[0][0] <= self._cycle and self._acts("b")
        self._port("bvalid").value = self._is_answering
        if self._is_answering:
            self._port("bid").value = 0
            self._port("bresp").value = self._answers[0][1]
