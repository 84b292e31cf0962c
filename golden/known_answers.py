"""Known answers of logic BIST: pseudo-random weights and inputs, and the signature (MISR) of their totals."""

import numpy as np

from .bits import wrap
from .checksum import check_weights
from .mvm import mvm

SEED = 0x9E3779B97F4A7C15
SIGNATURE_BITS = 32
# CRC-32, IEEE 802.3.
POLYNOMIAL = 0x04C11DB7


def initial_pattern(bits):
    """The seed, repeated to so many bits: first state of the pattern generator, and its cells of rule 150."""
    return sum(SEED << 64 * index for index in range(-(-bits // 64))) & (1 << bits) - 1


def next_pattern(state, bits):
    """Next state of a hybrid cellular automaton: a cell of rule 90 is the XOR of its neighbors, one of rule 150 of its
    own state too. Like an LFSR, without a long feedback path.

    Source: P. D. Hortensius et al., "Cellular automata-based pseudorandom number generators for built-in self-test",
    IEEE Transactions on CAD, August 1989.
    """
    return (state << 1 ^ state >> 1 ^ state & initial_pattern(bits)) & (1 << bits) - 1


def next_signature(signature, word):
    """Next state of the multiple-input signature register (MISR): one shift, XOR a word of any length, folded."""
    folded = 0
    while word:
        folded ^= word & (1 << SIGNATURE_BITS) - 1
        word >>= SIGNATURE_BITS
    feedback = POLYNOMIAL if signature >> SIGNATURE_BITS - 1 else 0
    return (signature << 1 & (1 << SIGNATURE_BITS) - 1) ^ feedback ^ folded


class _PatternGenerator:
    """Items of a stream, a state of the pattern generator a beat."""

    def __init__(self, bits):
        self.bits, self.state = bits, initial_pattern(bits)

    def item(self, stream_bits, size, count, bits, signed):
        """The next item: ``count`` integers of ``bits`` bits in ``size`` bytes each."""
        data = b""
        while len(data) < size * count:
            data += (self.state & (1 << stream_bits) - 1).to_bytes(stream_bits // 8, "little")
            self.state = next_pattern(self.state, self.bits)
        return wrap(np.frombuffer(data[:size * count], f"<u{size}").astype(np.int64), bits, signed)


def expected_signature(config):
    """Signature of a fault-free core, for a `CoreConfig`."""
    macro = config.macro
    source = _PatternGenerator(max(config.input_stream_bits, config.weight_stream_bits))
    banks = [np.array([source.item(config.weight_stream_bits, config.weight_bytes, macro.columns, macro.weight_bits,
                                     True) for _ in range(macro.rows)]) for _ in range(macro.banks)]
    signature, mask = 0, (1 << macro.total_width) - 1
    for weights in banks:
        if config.check_columns:
            weights = np.concatenate([weights, check_weights(weights, macro.weight_bits)], axis=1)
        x = np.array([source.item(config.input_stream_bits, config.input_bytes, macro.rows, macro.input_bits, True)
                      for _ in range(macro.rows)])
        for totals in mvm(weights, x).tolist():
            for group in range(config.groups):
                columns = [min(group * config.lanes + lane, macro.columns - 1) for lane in range(config.lanes)]
                columns += range(macro.columns, config.array.columns)
                word = sum((totals[column] & mask) << macro.total_width * index for index, column in enumerate(columns))
                signature = next_signature(signature, word)
    return signature
