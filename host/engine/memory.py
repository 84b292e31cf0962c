"""Activation memory: where each tensor is, and when."""

from dataclasses import dataclass

from ..network.network import NetworkError
from ..network.window import ceil_div


@dataclass(eq=False)
class Buffer:
    """A tensor in the activation memory: pixels of ``channels`` bytes.

    Attributes
    ----------
    name : str
    height, width, channels : int
    pixel, pitch : int
        Bytes from a pixel, and from a row, to the next.
    first, last : int
        Steps from the one that writes it, to the last that reads it.
    address : int
        Of its first byte; None before it is placed.
    is_turned : bool
        It has the tensor's columns as rows.
    maker : str
        What writes it: an operator's location, the input, or the state.
    """

    name: str
    height: int
    width: int
    channels: int
    pixel: int = 0
    pitch: int = 0
    first: int = -1
    last: int = -1
    address: int | None = None
    is_turned: bool = False
    maker: str = "input"

    def __post_init__(self):
        self.pixel = self.pixel or self.channels
        self.pitch = self.pitch or self.width * self.pixel

    @property
    def size(self):
        """Bytes, those between rows and pixels counted."""
        return (self.height - 1) * self.pitch + (self.width - 1) * self.pixel + self.channels

    @property
    def limit(self):
        """Address after its last byte."""
        return self.address + self.size

    @property
    def root(self):
        """The buffer that is placed."""
        return self

    @property
    def is_dense(self):
        """Its elements follow one another without gaps, in their order."""
        is_row = self.height == 1 or self.pitch == self.width * self.pixel
        return not self.is_turned and is_row and (self.pixel == self.channels or self.height * self.width == 1)

    @property
    def layout(self):
        """All that decides where in it an element is."""
        return self.height, self.width, self.channels, self.pixel, self.pitch

    def align(self, word):
        """Lay it out for the depthwise unit: no group of channels in two words, and rows in different banks."""
        if self.channels >= word or word % self.channels:
            self.pixel = ceil_div(self.channels, word) * word
        words = ceil_div(self.width * self.pixel, word)
        self.pitch = (words + (words % 2 == 0)) * word

    def overlaps(self, other):
        """Whether both are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


class View(Buffer):
    """Some elements of a buffer, as a tensor of their own.

    Parameters
    ----------
    base : Buffer
    offset : int
        Bytes from its first one.
    height, width, channels, pixel, pitch : int
    """

    def __init__(self, base, offset, height, width, channels, pixel=0, pitch=0):
        self._base, self._offset = base, offset
        super().__init__(base.name, height, width, channels, pixel, pitch)

    @property
    def address(self):
        """Of its first byte."""
        return self._base.address + self._offset

    @address.setter
    def address(self, value):
        """Only the base is placed."""

    @property
    def root(self):
        return self._base.root


# Orders in which buffers are placed, of which the one is taken that needs least.
ORDERS = (
    lambda buffer: (-buffer.size, buffer.first),
    lambda buffer: (buffer.first, -buffer.size),
    lambda buffer: (-buffer.last, -buffer.size),
    lambda buffer: (buffer.first - buffer.last, -buffer.size),
)


def place(buffers, config):
    """Give each buffer an address: one after the other, each at the lowest that is free while it is needed.

    Parameters
    ----------
    buffers : list of Buffer
    config : EngineConfig

    Raises
    ------
    NetworkError
        They need more memory than there is.
    """
    found = [_placed(sorted(buffers, key=order), config.lanes) for order in ORDERS]
    best = min(found, key=lambda addresses: max(buffer.size + address for buffer, address in addresses.items()))
    for buffer, address in best.items():
        buffer.address = address
    for buffer in sorted(buffers, key=lambda buffer: buffer.first):
        if buffer.limit > config.activation_bytes:
            together = [other.name for other in buffers if other is not buffer and other.overlaps(buffer)]
            raise NetworkError(f"{buffer.maker} must find room for {buffer.name} in {config.activation_bytes} bytes of "
                               f"activation memory (activation_bytes of the engine) beside "
                               f"{', '.join(together) or 'nothing'}, not up to byte {buffer.limit}")
    check_places(buffers, config)


def _placed(buffers, word):
    """A dict of buffers, in an order, to addresses."""
    addresses = {}
    for buffer in buffers:
        address = 0
        for other, start in sorted(addresses.items(), key=lambda placed: placed[1]):
            if other.overlaps(buffer):
                if address + buffer.size <= start:
                    break
                address = max(address, ceil_div(start + other.size, word) * word)
        addresses[buffer] = address
    return addresses


def check_places(buffers, config):
    """That no two buffers share a byte while both are needed, and all are within the memory; AssertionError if not."""
    for index, buffer in enumerate(buffers):
        assert buffer.address >= 0 and buffer.limit <= config.activation_bytes, buffer
        for other in buffers[:index]:
            apart = buffer.limit <= other.address or other.limit <= buffer.address
            assert apart or not buffer.overlaps(other), (buffer, other)
