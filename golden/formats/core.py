"""The block core from the view of software: packets in, results and faults out."""

import numpy as np

from .blocks import FORMATS, NUMBER_OF, SCALE_NAN, Blocks
from .packets import SCALE_BITS, header_fields, unpacked


class BlockCoreModel:
    """Exact model of a block core's state, one packet after the other.

    A packet is a list of beats, each an integer and whether all of its bytes are kept; the last one has ``tlast``. What
    is wrong with it is named as in ``error.code``, without ``VECTOR_`` or ``LOAD_``: ``short``, ``null``, ``header`` or
    ``long``, or None.

    Parameters
    ----------
    config : FormatConfig
        Of the macro in the core.

    Attributes
    ----------
    banks : dict of int to Blocks
        Weights (columns, 1, size) of banks that have all of them.
    """

    def __init__(self, config):
        self.config = config
        self.banks = {}

    def load(self, packet):
        """Store a packet of weights; what is wrong with it."""
        config, head = self.config, header_fields(packet[0][0])
        codes_end = 1 + config.macro.rows * config.row_beats
        size = codes_end + config.scale_beats
        fault, index = self._first_fault(packet[:size], len(packet) <= size, self._is_wrong(config.w, head), True, size)
        if fault in (None, "long"):
            words = [word for word, _ in packet[:size]]
            codes = [unpacked(word, config.w.bits, config.weight_lanes) for word in words[1:codes_end]]
            scales = [unpacked(word, SCALE_BITS, config.weight_scales) for word in words[codes_end:]]
            rows = np.reshape(codes, (config.macro.rows, config.columns))
            self.banks[head["bank"]] = self._blocks(head["number"], rows.T[:, None],
                                                    np.ravel(scales)[:config.columns, None])
        elif index:
            # It has begun.
            self.banks.pop(head["bank"], None)
        return fault

    def multiply(self, packet):
        """Results of an accumulation: values (columns,), whether each is lost, and what is wrong with the packet."""
        size, vectors, rest = 1 + self.config.beats, [], packet
        while True:
            head = header_fields(rest[0][0])
            is_wrong = self._is_wrong(self.config.x, head) or head["base"] >> self.config.exponent_bits
            fault, _ = self._first_fault(rest[:size], len(rest) <= size, is_wrong, head["last"], size)
            if fault not in (None, "long"):
                return *self._lost(), fault
            vectors.append((head, [word for word, _ in rest[1:size]]))
            if head["last"]:
                return *self._results(vectors), fault
            rest = rest[size:]

    def _is_wrong(self, choice, head):
        """Whether a header names a format or bank that there is not."""
        return head["number"] not in map(NUMBER_OF.get, choice.names) or head["bank"] >= self.config.macro.banks

    @staticmethod
    def _first_fault(beats, is_end, header_is_wrong, ends_packet, size):
        """The first fault of a header and the beats behind it, and the number of its beat.

        ``is_end``: the packet has no more beats than these; ``ends_packet``: it must have no more than ``size``.
        """
        for index, (_, is_kept) in enumerate(beats):
            is_last, must_end = is_end and index == len(beats) - 1, ends_packet and index == size - 1
            faults = {"short": is_last and not must_end, "null": not is_kept, "header": not index and header_is_wrong,
                      "long": must_end and not is_last}
            for name, is_there in faults.items():
                if is_there:
                    return name, index
        return None, None

    @staticmethod
    def _blocks(number, codes, scales):
        """Blocks of a format; codes are in the lowest bits of their places, and a negative scale is NaN."""
        block_format = list(FORMATS.values())[number]
        scales = np.asarray(scales)
        if block_format.scale:
            scales = np.where(scales > SCALE_NAN >> 1, SCALE_NAN >> 1, scales)
        codes = np.asarray(codes) & (1 << block_format.element.bits) - 1
        return Blocks(block_format, codes.astype(np.uint8), scales.astype(np.uint8))

    def _lost(self):
        columns = self.config.columns
        return np.full(columns, np.nan), np.ones(columns, bool)

    def _results(self, vectors):
        """What the macro gives of vectors, each a header and words of codes."""
        config = self.config
        if any(head["bank"] not in self.banks for head, _ in vectors):
            return self._lost()
        pairs = [(self._blocks(head["number"], np.ravel([unpacked(word, config.x.bits, config.input_lanes)
                                                         for word in words])[None], [head["scale"]]),
                  self.banks[head["bank"]]) for head, words in vectors]
        return config.window.results(pairs, vectors[0][0]["base"], config.result)
