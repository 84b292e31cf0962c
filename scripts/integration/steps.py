"""Steps of a testbench: accesses to registers, as words of a file that it reads."""

# As the template of the testbench numbers them. From `OTHER` on they are not of registers: a beat of a core's streams,
# or of the memory that an engine reads.
WRITE, READ, WAIT, REFUSED_READ, OTHER = range(5)
VECTOR, WEIGHTS = OTHER, OTHER + 1
STEP_BITS, ADDRESS_BITS = 4, 12


class RegisterSteps:
    """What a testbench does, as words of `step_bits`.

    Parameters
    ----------
    registers : tuple of Register
    data_bits : int
        Of a step: those of a mask and a value, or more.
    """

    def __init__(self, registers, data_bits=64):
        self.registers, self.data_bits = {register.name: register for register in registers}, data_bits
        self.steps = []

    @property
    def step_bits(self):
        """Bits of a step: what to do, an address, and a mask and a value, or other data."""
        return STEP_BITS + ADDRESS_BITS + self.data_bits

    def add(self, kind, address=0, data=0):
        self.steps.append((kind << ADDRESS_BITS | address) << self.data_bits | data)

    def count(self, kind):
        """How many steps are of a kind."""
        return sum(step >> self.data_bits + ADDRESS_BITS == kind for step in self.steps)

    def word(self, name, fields):
        """Mask and value of some fields of a register."""
        mask = word = 0
        for field in self.registers[name].fields:
            if field.name in fields:
                mask |= field.mask
                word |= int(fields[field.name]) << field.low & field.mask
        return mask, word

    def write(self, name, **fields):
        self.add(WRITE, self.registers[name].offset, self.word(name, fields)[1])

    def read(self, name, kind=READ, **fields):
        mask, word = self.word(name, fields)
        self.add(kind, self.registers[name].offset, mask << 32 | word)

    def wait(self, name, **fields):
        self.read(name, WAIT, **fields)

    def refused(self, code):
        """A read of an address without a register: the error ``code``."""
        self.add(REFUSED_READ, (1 << ADDRESS_BITS) - 4)
        self.read("error", code=code, count=1)
        self.write("control", clear_error=1)


class StreamSteps(RegisterSteps):
    """The same with beats of vectors and weights, and the beats of results that must come, in `results`.

    Parameters
    ----------
    registers : tuple of Register
    input_bits, weight_bits, output_bits : int
        Of a beat of each stream.
    """

    def __init__(self, registers, input_bits, weight_bits, output_bits):
        super().__init__(registers, max(64, beat_bits(input_bits), beat_bits(weight_bits)))
        self.bits, self.output_bits = {VECTOR: input_bits, WEIGHTS: weight_bits}, output_bits
        self.results = []

    def parts(self, step):
        """Of a step what to do, and three numbers: those of `split_beat`; address, data, 0; or address, mask, value."""
        kind, data = step >> self.data_bits + ADDRESS_BITS, step & (1 << self.data_bits) - 1
        if kind in self.bits:
            return kind, *split_beat(data, self.bits[kind])
        address = step >> self.data_bits & (1 << ADDRESS_BITS) - 1
        return (kind, address, data, 0) if kind == WRITE else (kind, address, data >> 32, data & (1 << 32) - 1)

    def stream(self, kind, data):
        """A packet of bytes, `VECTOR` or `WEIGHTS`; how many beats it has."""
        parts = list(beats(data, self.bits[kind]))
        for beat in parts:
            self.add(kind, 0, beat)
        return len(parts)


def beat_bits(bits):
    """Bits of a beat with ``tkeep`` and ``tlast``."""
    return bits + bits // 8 + 1


def beats(data, bits):
    """Beats of a packet: ``tlast``, ``tkeep`` and ``tdata``, the last lowest."""
    size = bits // 8
    for first in range(0, len(data), size):
        part = data[first:first + size]
        yield joined_beat(first + size >= len(data), (1 << len(part)) - 1, int.from_bytes(part, "little"), bits)


def joined_beat(last, keep, data, bits):
    """A beat of ``tlast``, ``tkeep`` and ``tdata``."""
    return (last << bits // 8 | keep) << bits | data


def split_beat(beat, bits):
    """``tlast``, ``tkeep`` and ``tdata`` of a `joined_beat`."""
    return beat >> bits + bits // 8, beat >> bits & (1 << bits // 8) - 1, beat & (1 << bits) - 1
