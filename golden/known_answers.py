"""Known answers: dense weights and inputs that an automaton draws, and the signature of what they give."""

import numpy as np

from .bits import wrap
from .checksum import check_weights
from .mvm import mvm

SEED = 0x9E3779B97F4A7C15
SIGNATURE_BITS = 32
# CRC-32, IEEE 802.3.
POLYNOMIAL = 0x04C11DB7


def repeated(bits):
    """The seed over so many bits: where the automaton starts, and which of its cells keep what they have."""
    return sum(SEED << 64 * index for index in range(-(-bits // 64))) & (1 << bits) - 1


def following(state, bits):
    """The next state of a hybrid automaton of rules 90 and 150: each cell its neighbors' sum, some their own too.

    Source: P. D. Hortensius et al., "Cellular automata-based pseudorandom number generators for built-in self-test",
    IEEE Transactions on CAD, August 1989.
    """
    return (state << 1 ^ state >> 1 ^ state & repeated(bits)) & (1 << bits) - 1


def absorb(signature, word):
    """A signature and a word of any length: pieces of the word are added up, and the register moves on by one."""
    folded = 0
    while word:
        folded ^= word & (1 << SIGNATURE_BITS) - 1
        word >>= SIGNATURE_BITS
    feedback = POLYNOMIAL if signature >> SIGNATURE_BITS - 1 else 0
    return (signature << 1 & (1 << SIGNATURE_BITS) - 1) ^ feedback ^ folded


class _Source:
    """Records of a stream, a state of the automaton a beat."""

    def __init__(self, bits):
        self.bits, self.state = bits, repeated(bits)

    def record(self, stream_bits, size, count, bits, signed):
        """The next record: ``count`` integers of ``bits`` bits in ``size`` bytes each."""
        data = b""
        while len(data) < size * count:
            data += (self.state & (1 << stream_bits) - 1).to_bytes(stream_bits // 8, "little")
            self.state = following(self.state, self.bits)
        return wrap(np.frombuffer(data[:size * count], f"<u{size}").astype(np.int64), bits, signed)


def expected_signature(config):
    """What a sound core's signature is, for a `CoreConfig`."""
    macro = config.macro
    source = _Source(max(config.input_stream_bits, config.weight_stream_bits))
    banks = [np.array([source.record(config.weight_stream_bits, config.weight_bytes, macro.columns, macro.weight_bits,
                                     True) for _ in range(macro.rows)]) for _ in range(macro.banks)]
    signature, mask = 0, (1 << macro.total_width) - 1
    for weights in banks:
        if config.check_columns:
            weights = np.concatenate([weights, check_weights(weights, macro.weight_bits)], axis=1)
        x = np.array([source.record(config.input_stream_bits, config.input_bytes, macro.rows, macro.input_bits, True)
                      for _ in range(macro.rows)])
        for totals in mvm(weights, x).tolist():
            for group in range(config.groups):
                places = [min(group * config.lanes + lane, macro.columns - 1) for lane in range(config.lanes)]
                places += range(macro.columns, config.array.columns)
                word = sum((totals[place] & mask) << macro.total_width * index for index, place in enumerate(places))
                signature = absorb(signature, word)
    return signature
