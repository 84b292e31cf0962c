"""The registers of a core, described once: gateware, SystemRDL, documents and drivers are made of this table."""

import enum
from dataclasses import dataclass
from importlib.metadata import version

from ..config.core import SETS

BUS_ADDRESS_BITS = 12
CORE_IDENTITY = int.from_bytes(b"BLCM", "big")


class Access(enum.Enum):
    """What software may do with a field, and who changes it."""

    CONSTANT = "read only, always the same"
    STATUS = "read only, changed by hardware"
    STORED = "read and write"
    COMMAND = "write one to do it; reads zero"
    EVENT = "set by hardware; write one to clear"
    LATCH = "write one to set; only a reset clears it"
    DATA = "write whole words; reads zero"


class ErrorCode(enum.IntEnum):
    """What went wrong, as the field ``error.code`` says it."""

    NONE = 0
    VECTOR_NULL = 1
    VECTOR_SHORT = 2
    VECTOR_LONG = 3
    LOAD_NULL = 4
    LOAD_SHORT = 5
    LOAD_LONG = 6
    LOCKED = 7
    BUSY = 8
    UNMAPPED = 9
    VALUE = 10
    ABORTED = 11

    @property
    def meaning(self):
        """In one sentence."""
        return ERROR_MEANINGS[self]


ERROR_MEANINGS = {
    ErrorCode.NONE: "No error since it was cleared.",
    ErrorCode.VECTOR_NULL: "A byte of a vector was not kept (tkeep); the vector was discarded.",
    ErrorCode.VECTOR_SHORT: "tlast came before the end of a vector; the vector was discarded.",
    ErrorCode.VECTOR_LONG: "tlast did not come with the end of a vector; everything up to it was discarded.",
    ErrorCode.LOAD_NULL: "A byte of a row or of parameters was not kept; the rest of the packet was discarded.",
    ErrorCode.LOAD_SHORT: "tlast came within a row or parameters, which were discarded; those before are stored.",
    ErrorCode.LOAD_LONG: "A packet went on after the last row or column; the rest of it was discarded.",
    ErrorCode.LOCKED: "Weights and parameters are locked: a write was refused, or a packet discarded.",
    ErrorCode.BUSY: "An access was refused because what it concerns is in use.",
    ErrorCode.UNMAPPED: "There is no register at an address.",
    ErrorCode.VALUE: "A write was refused because a field would have got a value that it must not have.",
    ErrorCode.ABORTED: "A zeroize or self-test waited too long, and discarded packets that had begun, or results.",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """Some bits of a register.

    ``least`` and ``greatest`` bound what may be written to a stored field; a write of anything else is refused. A
    command that does not wait is done though its register ``waits``.
    """

    name: str
    low: int
    bits: int
    access: Access
    meaning: str
    reset: int = 0
    least: int = 0
    greatest: int | None = None
    waits: bool = True

    @property
    def most(self):
        """The greatest value it may have."""
        return (1 << self.bits) - 1 if self.greatest is None else self.greatest

    @property
    def mask(self):
        """Its bits in the register."""
        return (1 << self.bits) - 1 << self.low


@dataclass(frozen=True, kw_only=True)
class Register:
    """A word of 32 bits.

    ``locks``: writes are refused while the core is locked. ``waits``: writes are refused while the core says that it is
    in use, and reads too if it has nothing to write. ``tells``: the core wants to know that it was written.
    """

    name: str
    offset: int
    meaning: str
    fields: tuple
    locks: bool = False
    waits: bool = False
    tells: bool = False

    @property
    def is_written(self):
        """Software can change something by a write."""
        return any(field.access not in (Access.CONSTANT, Access.STATUS) for field in self.fields)


def _fields(access, *descriptions):
    return tuple(Field(name=name, low=low, bits=bits, access=access, meaning=meaning, **more)
                 for name, low, bits, meaning, more in descriptions)


def _identification(config):
    """What a driver needs to know of the configuration."""
    macro, const = config.macro, Access.CONSTANT
    numbers = [int(part) for part in version("bitline").split(".")[:3]]

    def constants(*parts):
        return _fields(const, *((name, low, bits, meaning, {"reset": value})
                                for name, low, bits, value, meaning in parts))

    return [
        Register(name="identity", offset=0x000, meaning="Tells a Bitline core from everything else.", fields=constants(
            ("identity", 0, 32, CORE_IDENTITY, "The letters BLCM, B highest."))),
        Register(name="version", offset=0x004, meaning="Version of the generator.", fields=constants(
            ("patch", 0, 8, numbers[2], "Patch."), ("minor", 8, 8, numbers[1], "Minor."),
            ("major", 16, 8, numbers[0], "Major."))),
        Register(name="configuration", offset=0x008, meaning="Tells this configuration from every other.",
                 fields=constants(("hash", 0, 32, int(config.hash, 16), "The hash in the module's name."))),
        Register(name="shape", offset=0x00C, meaning="Size of the array.", fields=constants(
            ("rows", 0, 16, macro.rows, "Inputs of a vector."), ("columns", 16, 16, macro.columns, "Results."))),
        Register(name="widths", offset=0x010, meaning="Bits of numbers.", fields=constants(
            ("weight", 0, 8, macro.weight_bits, "Of a weight."), ("input", 8, 8, macro.input_bits, "Of an input."),
            ("output", 16, 8, config.output_bits, "Of a result; 32 if it is not requantized."),
            ("total", 24, 8, macro.total_width, "Of a total."))),
        Register(name="capacity", offset=0x014, meaning="Banks, and vectors that accumulate.", fields=constants(
            ("max_accumulations", 0, 17, macro.max_accumulations, "Most vectors that add up to one result."),
            ("checksum", 20, 1, int(config.checksum), "Results are held against a checksum."),
            ("banks", 24, 8, macro.banks, "Banks."))),
        Register(name="streams", offset=0x018, meaning="Bytes of the streams' beats.", fields=constants(
            ("input", 0, 8, config.input_stream_bits // 8, "Of s_axis."),
            ("weight", 8, 8, config.weight_stream_bits // 8, "Of s_axis_w."),
            ("output", 16, 8, config.output_stream_bits // 8, "Of m_axis."))),
    ]


def _control(config):
    checksum = [("checksum", 4, 1, "A result does not agree with the checksum.", {})] if config.checksum else []
    return [
        Register(name="control", offset=0x020, meaning="Commands.", waits=True, fields=_fields(
            Access.COMMAND,
            ("zeroize", 0, 1, "Write zero to every weight of every bank, and read each back.", {}),
            ("clear_counters", 2, 1, "Set the counters of performance to zero.", {"waits": False}),
            ("clear_error", 3, 1, "Set the register error to zero.", {"waits": False}))),
        Register(name="status", offset=0x024, meaning="State of the core.", fields=_fields(
            Access.STATUS,
            ("idle", 0, 1, "No vector has begun or is in flight, and no result waits.", {"reset": 1}),
            ("running", 1, 1, "A zeroize or self-test runs, or waits for packets and vectors to end.", {}),
            ("zeroized", 2, 1, "Since zeroize ended, each weight has been read back as zero and none was written.", {}),
            ("failed", 3, 1, "The last zeroize or self-test read something that was not written.", {}),
            ("loading", 4, 1, "A packet of s_axis_w waits, or has begun and not ended.", {}),
            ("load_ready", 5, 1, "The register load_data takes a word.", {}),
            ("set_used", 8, SETS, "Bit n: a vector in flight uses set n.", {}),
            ("passed", 10, 1, "The last zeroize or self-test ended, and read all that was written.", {}))),
        Register(name="lock", offset=0x028, meaning="Keeps the weights.", fields=_fields(
            Access.LATCH,
            ("locked", 0, 1, "Weights and parameters can no longer be written.", {}))),
        Register(name="error", offset=0x02C, meaning="Errors since they were cleared.", fields=_fields(
            Access.STATUS,
            ("code", 0, 8, "The first of them.", {}), ("count", 8, 8, "How many; stays at 255.", {}))),
        *(Register(name=name, offset=offset, meaning=meaning, fields=_fields(
            access,
            ("error", 0, 1, "Something went wrong; see the register error.", {}),
            ("result", 1, 1, "A vector's last beat has left.", {}),
            ("loaded", 2, 1, "A packet of s_axis_w has been stored.", {}),
            ("finished", 3, 1, "A zeroize or self-test has ended.", {}), *checksum))
          for name, offset, access, meaning in (
              ("interrupt_status", 0x030, Access.EVENT, "What has happened."),
              ("interrupt_enable", 0x034, Access.STORED, "What of it raises the interrupt."))),
    ]


def _work(config):
    macro = config.macro
    bits, banks = macro.input_bits, macro.banks
    first = max(macro.rows, macro.columns) - 1
    most = {"greatest": banks - 1}
    load = [("words", 1, 1, "Take load_data instead of s_axis_w.", {}),
            ("bank", 4, 4, "Bank of the weights.", most),
            ("first", 16, 10, "First row or column.", {"greatest": first})]
    if config.requantizes:
        load += [("parameters", 0, 1, "Load columns' parameters instead of rows of weights.", {}),
                 ("set", 2, 1, "Set of the parameters.", {})]
    return [
        Register(name="vector", offset=0x040, meaning="How vectors are computed; taken with the first beat of each.",
                 fields=_fields(
                     Access.STORED,
                     ("bits", 0, 5, "Lowest bits of each input that count.", {"reset": bits, "least": 1,
                                                                              "greatest": bits}),
                     ("signed", 8, 1, "Inputs are two's complement.", {}),
                     ("bank", 16, 4, "Bank of the first vector of a result; each further one takes the next bank.",
                      most),
                     ("set", 24, 1, "Set of requantization parameters.", {}))),
        Register(name="accumulate", offset=0x044, tells=True, meaning="Vectors that add up to one result. After a "
                 "write, the next vector that begins is the first of a result.",
                 fields=_fields(Access.STORED, ("count", 0, 17, "How many.", {
                     "reset": 1, "least": 1, "greatest": macro.max_accumulations}))),
        Register(name="load", offset=0x048, meaning="Destination of loads. A write starts at first again.",
                 locks=True, waits=True, tells=True, fields=_fields(Access.STORED, *load)),
        Register(name="load_data", offset=0x04C, meaning="32 bits of a beat of s_axis_w, the lowest first.", locks=True,
                 waits=True, tells=True, fields=_fields(Access.DATA, ("word", 0, 32, "The bits.", {}))),
        Register(name="load_index", offset=0x050, meaning="Progress of a load.", fields=_fields(
            Access.STATUS, ("index", 0, 11, "Row or column that comes next.", {}))),
        Register(name="self_test", offset=0x058, meaning="Commands that test the storage or the products, and leave "
                 "nothing of the weights.", locks=True, waits=True, fields=_fields(
                     Access.COMMAND, ("march_c_minus", 0, 1, "Run March C-.", {}),
                     ("march_ss", 1, 1, "Run March SS.", {}),
                     ("known_answers", 2, 1, "Compute products of dense weights and vectors.", {}))),
        Register(name="fault", offset=0x054, meaning="Where the last zeroize or self-test first read something "
                 "that was not written. It cannot be read while one runs.", waits=True, fields=_fields(
                     Access.STATUS, ("row", 0, 10, "Row.", {}), ("column", 12, 10, "Column.", {}),
                     ("bank", 24, 4, "Bank.", {}))),
    ]


def _settings(config):
    bits = config.output_bits
    least, greatest = 1 << bits - 1, (1 << bits - 1) - 1
    for index in range(SETS if config.requantizes else 0):
        yield Register(name=f"offset_{index}", offset=0x060 + 8 * index, locks=True, waits=True,
                       meaning=f"Zero point and rounding of set {index}.", fields=_fields(
                           Access.STORED,
                           ("zero_point", 0, bits, "Zero point of the results, two's complement.", {}),
                           ("double", 16, 1, "Round as TensorFlow Lite does, twice, instead of once.", {})))
        yield Register(name=f"clamp_{index}", offset=0x064 + 8 * index, locks=True, waits=True,
                       meaning=f"Bounds of the results of set {index}.", fields=_fields(
                           Access.STORED,
                           ("low", 0, bits, "Least result, two's complement.", {"reset": least}),
                           ("high", 16, bits, "Greatest result, two's complement.", {"reset": greatest})))


# Fields by their names of the release before, which the C header of this release still has.
FORMER_NAMES = {"control.zeroise": "control.zeroize", "status.zeroised": "status.zeroized",
                "chain.length": "accumulate.count", "capacity.chain": "capacity.max_accumulations"}

PERFORMANCE_COUNTERS = {
    "cycles": "Clock cycles.",
    "vectors": "Vectors that the macro has taken.",
    "planes_skipped": "Planes of them that could not change a result, and took no cycle.",
    "input_stalls": "Cycles in which s_axis waited: tvalid without tready.",
    "output_stalls": "Cycles in which m_axis waited: tvalid without tready.",
}


def register_map(config):
    """All registers of a core, by rising offset."""
    counters = (Register(name=name, offset=0x080 + 4 * index, meaning=f"{meaning} Wraps.", fields=_fields(
        Access.STATUS, ("count", 0, 32, "Since they were cleared.", {})))
        for index, (name, meaning) in enumerate(PERFORMANCE_COUNTERS.items()))
    registers = [*_identification(config), *_control(config), *_work(config), *_settings(config), *counters]
    return tuple(sorted(registers, key=lambda register: register.offset))
