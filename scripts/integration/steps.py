"""Steps of a testbench: accesses to registers, as words of a file that it reads."""

# As the template of the testbench numbers them; the last two are of a core's streams.
WRITE, READ, WAIT, REFUSED_READ, VECTOR, WEIGHTS = range(6)
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
        # Steps, and beats that they put into the testbench's memory.
        self.steps, self.memory_beats = [], 0

    @property
    def step_bits(self):
        """Bits of a step: what to do, an address, and a mask and a value, or other data."""
        return STEP_BITS + ADDRESS_BITS + self.data_bits

    def add(self, kind, address=0, data=0):
        self.steps.append((kind << ADDRESS_BITS | address) << self.data_bits | data)

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
