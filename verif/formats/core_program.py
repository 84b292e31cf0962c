"""Programs of a block core: packets, whole or faulty, and what the golden model gives of them."""

from itertools import product

import numpy as np

from ...golden.formats.blocks import NUMBER_OF
from ...golden.formats.core import BlockCoreModel
from ...golden.formats.packets import HEADER, header, header_fields, vector_packet, weight_packet
from ...hdl.config.formats import WEIGHT_BEAT_BITS
from .beats import expected_beats
from .program import Program

# What may be wrong with a packet.
FAULTS = ("short", "null", "header", "long")


class CoreProgram(Program):
    """Beats of AXI4-Streams, with ``data``, ``keep`` and ``last``, and of results with ``user``.

    Attributes
    ----------
    model : BlockCoreModel
    faults : list of str
        What was wrong with the packets so far, as ``error.code`` names it.
    """

    def __init__(self, config, seed=0):
        super().__init__(config, seed)
        self.model, self.faults = BlockCoreModel(config), []

    def add_weights(self, codes, scales, bank, name):
        self.send("w", [(word, True) for word in weight_packet(self.config, codes, scales, bank, name)])

    def add_accumulation(self, codes, scales, banks, base, names=None):
        names = names or [self.config.x.names[0]] * len(codes)
        packet = vector_packet(self.config, list(zip(names, codes, scales, banks, strict=True)), base)
        self.send("i", [(word, True) for word in packet])

    def send(self, stream, packet):
        """A packet, a list of beats and whether all bytes of each are kept; the model says what comes of it."""
        bits = {"w": WEIGHT_BEAT_BITS, "i": self.config.input_beat_bits}[stream]
        whole = (1 << bits // 8) - 1
        # One byte that is not kept, anywhere.
        self.add(stream, [{"data": word, "keep": whole if is_kept else whole ^ 1 << int(self.rng.integers(bits // 8)),
                           "last": int(index == len(packet) - 1)} for index, (word, is_kept) in enumerate(packet)])
        if stream == "w":
            fault = self.model.load(packet)
        else:
            *self._results, fault = self.model.multiply(packet)
            keep = (1 << self.config.result_bits // 8) - 1
            self.beats["o"] += [{"data": beat["value"], "keep": keep, "last": beat["last"], "user": beat["is_lost"]}
                                for beat in expected_beats(self.config, *self._results)]
        if fault:
            self.faults.append(f"{'LOAD' if stream == 'w' else 'VECTOR'}_{fault.upper()}")

    def expect(self, values, is_lost):
        """AssertionError unless the results of the last packet are these."""
        for one, other in zip(self._results, (values, is_lost), strict=True):
            np.testing.assert_array_equal(one, other)

    def spoiled(self, stream, packet, fault):
        """A packet with a fault at a place that is drawn."""
        packet = list(packet)
        place = int(self.rng.integers(len(packet)))
        if fault == "short":
            # Without its last beat at least; not without all. That a byte is not kept as well does not count.
            word, _ = packet[max(0, place - 1)]
            return [*packet[:max(0, place - 1)], (word, bool(self.rng.integers(2)))]
        if fault == "null":
            packet[place] = (packet[place][0], False)
        elif fault == "long":
            packet += [(int(word), True) for word in self.rng.integers(0, 1 << 32, 1 + place % 7)]
        else:
            size = 1 + self.config.beats if stream == "i" else len(packet)
            place -= place % size
            packet[place] = (header(**self._wrong(stream, header_fields(packet[place][0]))), True)
        return packet

    def _wrong(self, stream, fields):
        """The fields of a header, of which one is what there is not."""
        is_vector = stream == "i"
        known = {NUMBER_OF[name] for name in (self.config.x if is_vector else self.config.w).names}
        wrong = {"number": sorted(set(range(1 << HEADER["number"])) - known),
                 "bank": list(range(self.config.macro.banks, 1 << HEADER["bank"]))}
        if is_vector:
            wrong["base"] = [1 << bit for bit in range(self.config.exponent_bits, HEADER["base"])]
        name = self.rng.choice(sorted(name for name, values in wrong.items() if values))
        return {**fields, name: int(self.rng.choice(wrong[name]))}


def faulty_program(config, times, seed=0):
    """Packets of bank 0, of which some are spoiled by each fault in turn, so many times, on both streams.

    Whole packets of weights and vectors come before each of them, and a whole one of vectors after it.
    """
    program = CoreProgram(config, seed)
    # Below the exponents of what is drawn.
    base = 0 if config.has_mantissas else 240

    def packet(stream):
        name = program.rng.choice((config.x if stream == "i" else config.w).names)
        codes, scales = program.drawn(name, config.columns if stream == "w" else 2, nan_share=0)
        words = (weight_packet(config, codes, scales, 0, name) if stream == "w" else
                 vector_packet(config, [(name, *each, 0) for each in zip(codes, scales)], base))
        return [(word, True) for word in words]

    for fault, stream, _ in product(FAULTS, "wi", range(times)):
        for each in "wi":
            program.send(each, packet(each))
        program.send(stream, program.spoiled(stream, packet(stream), fault))
        program.send("i", packet("i"))
    return program
