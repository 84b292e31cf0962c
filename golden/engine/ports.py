"""Ports of an image: where inputs, outputs and states are in the activation memory."""

import numpy as np

from .image import INPUT, OUTPUT, STATE, EngineError


class Ports:
    """What goes into an engine and comes out, byte by byte.

    Parameters
    ----------
    image : Image
        Whose ports are checked.

    Attributes
    ----------
    addresses : dict of int to int array
        Of `INPUT`, `OUTPUT` and `STATE`: where each byte is, in the order of the tensors.
    """

    def __init__(self, image):
        self._depth = image.program[-1].depth
        of_kind = {kind: [port for port in image.ports.tolist() if port[0] == kind] for kind in (INPUT, OUTPUT, STATE)}
        self.addresses = {kind: np.concatenate([np.zeros(0, np.int64), *map(_addresses, ports)])
                          for kind, ports in of_kind.items()}
        self._first = _addresses(of_kind[OUTPUT][0]).size

    @property
    def input_bytes(self):
        """Bytes of an input."""
        return self.addresses[INPUT].size

    def input(self, x):
        """The uint8 bytes of an input, bytes or an int8 array; EngineError if it is of another type or size."""
        data = np.frombuffer(x, np.int8) if isinstance(x, bytes) else np.asarray(x)
        if data.dtype != np.int8:
            raise EngineError(f"input must be int8, not {data.dtype}")
        if data.size != self.input_bytes:
            raise EngineError(f"input must have {self.input_bytes} bytes, not {data.size}")
        return data.reshape(-1).view(np.uint8)

    def classes(self, output, argmax):
        """The number of the greatest of each row of the first output; of one that is no whole rows that of END.

        Parameters
        ----------
        output : int8 array
            Bytes of the outputs.
        argmax : int
            What END gives.
        """
        if self._first % self._depth:
            return np.array([argmax])
        return output[:self._first].reshape(-1, self._depth).argmax(axis=1)


def _addresses(port):
    """Of the bytes of a port."""
    _, address, lines, count, pitch, step = port
    return (address + np.arange(lines)[:, None] * pitch + np.arange(count) * step).reshape(-1)
