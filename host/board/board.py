"""A macro on a board, over its serial port."""

import numpy as np

from ...golden.macro import Results
from ...golden.program import Write
from ...hdl.config import MacroConfig
from ...hdl.uart_bridge.accelerator import MACRO_MAGIC
from .connection import Connection
from .payloads import read_result, vector_payload, write_payload


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


class Board(Connection):
    """A macro on a board: connect, load weights, run vectors. The board keeps its weights after a `LinkError`.

    Parameters, attributes and errors are those of `Connection`.
    """

    holds, magic, configuration = "a macro", MACRO_MAGIC, MacroConfig

    def load(self, bank, weights):
        """Write weights (rows, columns) into a bank."""
        self.write([Write(bank, row, values) for row, values in enumerate(np.asarray(weights))])

    def write(self, writes, progress=None):
        """Write rows, in order. ``progress`` is called with the number done."""
        self._write([write_payload(self.config, write) for write in writes], progress)

    def run(self, vectors, progress=None):
        """Run vectors, in order; a list with a `Result` of each. ``progress`` is called with the number done."""
        results = self._run([vector_payload(self.config, vector) for vector in vectors], progress)
        return [read_result(self.config, result, vector) for vector, result in zip(vectors, results)]

    def play(self, program, progress=None):
        """Run a `Program`; the `Results` of its vectors. ``progress`` is called with the number done."""
        results = []
        for writes, vectors in in_order(program):
            self.write(writes)
            before = len(results)
            results += self.run(vectors, progress and (lambda done, before=before: progress(before + done)))
        return Results.of(results, self.config.columns)
