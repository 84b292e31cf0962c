"""Testbench environment of a macro: drives its streams, and compares every handshake and result with the model."""

import os
import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import Immediate
from cocotb.triggers import ReadOnly, RisingEdge

from ...golden.bits import limits
from ...golden.cycles import MacroCycles
from ...golden.macro import MacroModel
from ...golden.program import Vector, Write
from ...hdl.config import MacroConfig
from ...hdl.macro.ports import ports
from ..sim.port_fields import encode_vector, encode_write
from .coverage import FILE, Coverage


@dataclass(frozen=True)
class Pauses:
    """Probabilities per cycle that each stream pauses."""

    write: float = 0.0
    i: float = 0.0
    o: float = 0.0


def joined(values, width):
    """Integers of any width as one word, the first lowest."""
    return sum((int(value) & (1 << width) - 1) << width * lane for lane, value in enumerate(values))


class Bench:
    """A macro under test, in lockstep with its model: each cycle every ready and valid is compared, and every result.

    Parameters
    ----------
    dut : cocotb handle
        The macro.

    Attributes
    ----------
    config : MacroConfig
        From the environment.
    rng : random.Random
        All that is drawn; follows the seed of the run.
    cycle : int
        Clock cycles since the start.
    taken : list of int
        The cycle in which each result was taken.
    """

    def __init__(self, dut):
        self.config = MacroConfig.from_json(os.environ["BITLINE_CONFIG"])
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.numpy_rng = np.random.default_rng(self.rng.getrandbits(32))
        self.coverage = Coverage()
        self.cycle = 0
        self.taken = []
        self._dut = dut
        self._handles = {port.name: getattr(dut, port.name) for port in ports(self.config)}
        self._clock = RisingEdge(dut.clk)
        self._read_only = ReadOnly()
        self._model = MacroModel(self.config)
        self._cycles = MacroCycles(self.config)
        self._expected = deque()
        self._last = None
        self._accumulated = 0
        self._was_taken = False
        self._just_wrote = False
        self._port_write = (0, 0)
        self._has_unknowns = cocotb.SIM_NAME.startswith("Icarus")

    async def start(self):
        """Start the clock and, after some cycles of random activity, reset for one cycle.

        Where a simulator has four values, so have the inputs until then, the reset's among them.
        """
        # At once: a clock that starts with any value may rise before what is driven takes effect.
        self._dut.clk.value = Immediate(0)
        self._dut.rst.value = "X" if self._has_unknowns else 0
        self._scramble()
        # The first edge must find every input driven.
        Clock(self._dut.clk, 2, unit="ns").start(start_high=False)
        for _ in range(self.rng.choice((0, 1, 2 * self.config.latency))):
            await self._clock
            self._scramble()
        self._scramble()
        self._dut.rst.value = 1
        await self._clock
        self._dut.rst.value = 0
        self._withdraw()
        # `write_ready` follows the bank that is offered, or was last.
        self._drive("write", {"bank": 0, "row": 0})

    def _scramble(self):
        """Drive all inputs at random."""
        for port in ports(self.config):
            if port.is_input:
                unknown = self._has_unknowns and self.rng.random() < 0.5
                self._handles[port.name].value = ("X" * port.shape.width if unknown else
                                                  self.rng.getrandbits(port.shape.width))

    async def finish(self):
        """Save the coverage and the amount of traffic; nothing may be in flight."""
        assert not self._expected, f"{len(self._expected)} results are missing"
        self.coverage.counts.update({("traffic", "cycles"): self.cycle, ("traffic", "vectors"): len(self.taken)})
        self.coverage.save(Path(FILE))

    async def reset(self, write=None):
        """Reset at any moment; the weights are kept. A write offered during the reset is lost.

        Of each group whose tables the reset leaves incomplete a row is written again.
        """
        hit, cycles = self.coverage.hit, self._cycles
        hit("reset", "idle", cycles.idle)
        hit("reset", "vector waits", cycles.vector_waits)
        hit("reset", "planes are driven", cycles.planes_left > 0)
        hit("reset", "result waits", cycles.o_valid)
        hit("reset", "write is stored", self._just_wrote)
        if write:
            self._port_write = (write.bank, write.row)
            self._drive("write", encode_write(self.config, write))
            self._handles["write_valid"].value = 1
        elif self.rng.random() < 0.5:
            # Else what is offered stays so during the reset, and must be lost.
            self._withdraw()
        self._dut.rst.value = 1
        await self._clock
        self.cycle += 1
        self._dut.rst.value = 0
        self._withdraw()
        self._model.reset()
        incomplete = self._cycles.reset()
        self._expected.clear()
        self._last, self._accumulated, self._was_taken, self._just_wrote = None, 0, False, False
        await self.play([Write(bank, row, self._model.weights[bank, row]) for bank, row in sorted(incomplete)])

    async def idle(self, cycles):
        """Offer nothing for some cycles, and accept all results."""
        self._handles["o_ready"].value = 1
        for _ in range(cycles):
            await self._read_only
            self._check(None, None, True)
            await self._clock
            self.cycle += 1

    async def play(self, items, pauses=Pauses(), *, drain=True, stop_after=None):
        """Offer writes and vectors, each kind in order, and check all handshakes and results.

        Parameters
        ----------
        items : iterable of Write and Vector
            ``after`` counts within this call.
        pauses : Pauses
        drain : bool
            Go on until every result is taken.
        stop_after : int
            Cycles after which to stop, leaving everything as it is.
        """
        writes = deque(item for item in items if isinstance(item, Write))
        vectors = deque(item for item in items if isinstance(item, Vector))
        accepted_writes = accepted_vectors = 0
        write = vector = None
        first = self.cycle
        while writes or vectors or write or vector or (drain and (self._expected or not self._cycles.idle)):
            if stop_after is not None and self.cycle - first >= stop_after:
                return
            # A stream that has offered something goes on offering it.
            if write is None and writes and writes[0].after <= accepted_vectors:
                if self.rng.random() >= pauses.write:
                    write = writes.popleft()
                    self._port_write = (write.bank, write.row)
                    self._drive("write", encode_write(self.config, write))
                else:
                    self.coverage.hit("back-pressure", "write pauses")
            if vector is None and vectors and vectors[0].after <= accepted_writes:
                if self.rng.random() >= pauses.i:
                    vector = vectors.popleft()
                    self._drive("i", encode_vector(self.config, vector))
                else:
                    self.coverage.hit("back-pressure", "input pauses")
            self._handles["write_valid"].value = int(write is not None)
            self._handles["i_valid"].value = int(vector is not None)
            o_ready = self.rng.random() >= pauses.o
            self._handles["o_ready"].value = int(o_ready)
            await self._read_only
            write_taken, vector_taken = self._check(write, vector, o_ready)
            if write_taken:
                accepted_writes += 1
                write = None
            if vector_taken:
                accepted_vectors += 1
                vector = None
            await self._clock
            self.cycle += 1
        self._withdraw()

    def _withdraw(self):
        self._handles["write_valid"].value = 0
        self._handles["i_valid"].value = 0

    def _drive(self, stream, fields):
        for name, value in fields.items():
            handle = self._handles.get(f"{stream}_{name}")
            if handle is not None:
                handle.value = value

    def _check(self, write, vector, o_ready):
        """Compare one cycle with the model; returns whether write and vector were accepted."""
        model, cycles = self._model, self._cycles
        planes = vector and model.planes(vector.x, vector.bits, vector.signed)
        o_valid = cycles.o_valid
        stalls = cycles.stalls(o_ready)
        in_use = cycles.banks_in_use()
        i_ready, write_ready = cycles.step(vector and (planes, vector.bank), self._port_write, write is not None,
                                           o_ready)

        self._equal("o_valid", o_valid)
        self._equal("i_ready", i_ready)
        self._equal("write_ready", write_ready)
        if o_valid:
            self._check_result()
            if o_ready:
                self._expected.popleft()
                self.taken.append(self.cycle)
        self._cover_streams(vector, i_ready, o_valid, o_ready, stalls)
        self._cover_hazards(write, vector, i_ready, write_ready, in_use)
        self._was_taken = o_valid and o_ready
        self._just_wrote = bool(write and write_ready)
        # A write that is accepted with a vector comes before it.
        if write and write_ready:
            model.write(write.bank, write.row, write.weights)
            self.coverage.hit("bank", f"{write.bank} is written", self._last)
        if vector and i_ready:
            result = model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                                  accumulate=vector.accumulate, fuse=vector.fuse)
            self._expected.append((vector, result))
            self._cover_vector(vector, planes)
        return bool(write and write_ready), bool(vector and i_ready)

    def _equal(self, name, expected):
        value = self._handles[name].value
        assert str(value) == str(int(expected)), f"cycle {self.cycle}: {name} must be {int(expected)}, and is {value}"

    def _check_result(self):
        vector, expected = self._expected[0]
        # As whole words, so that every bit of a lane counts.
        words = {"o_y": joined(expected.y, self.config.total_width * min(vector.fuse, self.config.fuse)),
                 "o_sum_x": joined([expected.sum_x], self.config.sum_x_width)}
        for name, word in words.items():
            value = int(self._handles[name].value)
            assert value == word, f"cycle {self.cycle}: {name} must be {word:#x}, and is {value:#x} for {vector}"

    def _cover_streams(self, vector, i_ready, o_valid, o_ready, stalls):
        hit = self.coverage.hit
        hit("back-pressure", "input waits", vector and not i_ready)
        hit("back-pressure", "input waits while pipeline stalls", vector and not i_ready and stalls)
        hit("back-pressure", "result waits, pipeline stalls", stalls)
        hit("back-pressure", "result waits, pipeline moves", o_valid and not o_ready and not stalls)
        hit("back-pressure", "result is taken, pipeline stalls", o_ready and stalls)
        hit("back-pressure", "results back to back", o_valid and o_ready and self._was_taken)

    def _cover_hazards(self, write, vector, i_ready, write_ready, in_use):
        hit = self.coverage.hit
        if write:
            hit("hazard", "write waits for its bank", not write_ready)
            hit("hazard", "write while another bank computes", write_ready and in_use)
            hit("hazard", "write and vector of its bank at once",
                write_ready and vector and i_ready and vector.bank == write.bank)

    def _cover_vector(self, vector, planes):
        hit, last = self.coverage.hit, self._last
        sign = "signed" if vector.signed else "unsigned"
        hit("precision", f"{vector.bits} {sign}")
        hit("planes", f"{planes} {sign}")
        hit("planes", "some skipped", planes < vector.bits)
        hit("bank", f"{vector.bank} computes")
        hit("fuse", f"{vector.fuse}")
        self._accumulated = self._accumulated + 1 if vector.accumulate and last else 1
        longest = self.config.max_accumulations
        hit("accumulate", f"{longest} vectors", self._accumulated == longest)
        hit("accumulate", "more than allowed", self._accumulated > longest)
        hit("reset", "before accumulate", vector.accumulate and last is None)
        if last:
            hit("sign change", f"{'signed' if last.signed else 'unsigned'} then {sign}")
            hit("bank", "changes between vectors", last.bank != vector.bank)
            hit("fuse", f"{last.fuse} then {vector.fuse}")
            if vector.accumulate:
                hit("accumulate", "two vectors")
                hit("accumulate", f"fused by {vector.fuse}")
                hit("accumulate", "mixed precision", last.bits != vector.bits or last.signed != vector.signed)
        self._last = vector
        self._cover_extremes(vector, sign)

    def _cover_extremes(self, vector, sign):
        weights = self._model.weights[vector.bank]
        values = self._model.values(vector.x, vector.bits, vector.signed)
        for w_name, weight in zip(("minimum", "maximum"), limits(self.config.weight_bits, True)):
            for x_name, value in zip(("minimum", "maximum"), limits(self.config.input_bits, vector.signed)):
                self.coverage.hit("extremes", f"{w_name} weights, {x_name} inputs, {sign}",
                                  (values == value).all() and (weights == weight).all())
