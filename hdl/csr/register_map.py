"""The registers of a core: gateware, SystemRDL, documents and drivers are generated from this table."""

import enum
from dataclasses import dataclass
from importlib.metadata import version

from ..config.core import SETS

# Bits of the number of beats of a transfer.
COUNT_BITS = 24

BUS_ADDRESS_BITS = 12
# From an access to its response: it is registered, decoded, and checked; what it writes has its new value in the cycle
# after the response.
ACCESS_CYCLES = 3
CORE_IDENTITY = int.from_bytes(b"BLCM", "big")


class Access(enum.Enum):
    """What software may do with a field, and who changes it; names as of SystemRDL and its users."""

    CONSTANT = "read only, always the same"
    RO = "read only, set by hardware"
    RW = "read and write"
    SINGLEPULSE = "write one for a pulse of one cycle; reads zero"
    W1C = "set by hardware; write one to clear"
    W1S = "write one to set; cleared by a reset only"
    WO = "write only, whole words; reads zero"


class ErrorCode(enum.IntEnum):
    """Codes of the field ``error.code``."""

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
    DMA_WRONG = 12
    DMA_LATE = 13
    VECTOR_HEADER = 14
    LOAD_HEADER = 15


# Those that an access to a register may have.
ACCESS_ERRORS = (ErrorCode.LOCKED, ErrorCode.BUSY, ErrorCode.UNMAPPED, ErrorCode.VALUE)

# Those of a core, and what they mean.
CORE_ERRORS = {
    ErrorCode.NONE: "No error since it was cleared.",
    ErrorCode.VECTOR_NULL: "A byte of a vector was not kept (tkeep); the vector was discarded.",
    ErrorCode.VECTOR_SHORT: "tlast came before the end of a vector; the vector was discarded.",
    ErrorCode.VECTOR_LONG: "tlast did not come with the end of a vector; everything up to it was discarded.",
    ErrorCode.LOAD_NULL: "A byte of a row or of parameters was not kept; the rest of the packet was discarded.",
    ErrorCode.LOAD_SHORT: "tlast came within a row or parameters, which were discarded; those before are stored.",
    ErrorCode.LOAD_LONG: "A packet went on after the last row or column; the rest of it was discarded.",
    ErrorCode.LOCKED: "Weights and parameters are locked: a write was refused, or a packet discarded.",
    ErrorCode.BUSY: "An access was refused because the register is busy.",
    ErrorCode.UNMAPPED: "An access to an address without a register was refused.",
    ErrorCode.VALUE: "A write was refused because the value of a field is out of range.",
    ErrorCode.ABORTED: "A zeroize or self-test waited too long, and discarded packets that had begun, or results.",
    ErrorCode.DMA_WRONG: "Memory answered the DMA with an error; that transfer has ended.",
    ErrorCode.DMA_LATE: "Memory does not answer the DMA; that transfer ends, and its channel is busy until it does.",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """Some bits of a register.

    ``minimum`` and ``maximum`` bound the values of an RW field; a write of any other value is refused. A field without
    ``busy_lock`` can be written while its register is busy.
    """

    name: str
    low: int
    bits: int
    access: Access
    meaning: str
    reset: int = 0
    minimum: int = 0
    maximum: int | None = None
    busy_lock: bool = True

    @property
    def max_value(self):
        """Maximum of its values."""
        return (1 << self.bits) - 1 if self.maximum is None else self.maximum

    @property
    def mask(self):
        """Mask of its bits in the register."""
        return (1 << self.bits) - 1 << self.low


@dataclass(frozen=True, kw_only=True)
class Register:
    """A word of 32 bits.

    ``locks``: writes are refused while the core is locked. ``busy_lock``: writes are refused while the core asserts
    ``busy``, and so are reads of a read-only register. ``has_write_strobe``: the core sees each write as a pulse, and
    with ``has_read_strobe`` each read.
    """

    name: str
    offset: int
    meaning: str
    fields: tuple
    locks: bool = False
    busy_lock: bool = False
    has_write_strobe: bool = False
    has_read_strobe: bool = False

    @property
    def is_written(self):
        """Some field can be written."""
        return any(field.access not in (Access.CONSTANT, Access.RO) for field in self.fields)


def fields_of(access, *descriptions):
    """Fields of one access: of each its name, lowest bit, bits and meaning, and what else it has."""
    return tuple(Field(name=name, low=low, bits=bits, access=access, meaning=meaning, **more)
                 for name, low, bits, meaning, more in descriptions)


def constants(*parts):
    """Constant fields: of each its name, lowest bit, bits, value and meaning."""
    return fields_of(Access.CONSTANT, *((name, low, bits, meaning, {"reset": value})
                                        for name, low, bits, value, meaning in parts))


def version_register(offset):
    """The version of the generator."""
    patch, minor, major = (int(part) for part in reversed(version("bitline").split(".")[:3]))
    return Register(name="version", offset=offset, meaning="Version of the generator.", fields=constants(
        ("patch", 0, 8, patch, "Patch."), ("minor", 8, 8, minor, "Minor."), ("major", 16, 8, major, "Major.")))


def identification(config, identity, letters, rows, columns):
    """Identity, version, hash and shape of any core."""
    return [
        Register(name="identity", offset=0x000, meaning="Identifies a Bitline core.", fields=constants(
            ("identity", 0, 32, identity, f"The letters {letters}, B highest."))),
        version_register(0x004),
        Register(name="configuration", offset=0x008, meaning="Identifies the configuration.",
                 fields=constants(("hash", 0, 32, int(config.hash, 16), "The hash in the module's name."))),
        Register(name="shape", offset=0x00C, meaning="Size of the array.", fields=constants(
            ("rows", 0, 16, rows, "Inputs of a vector."), ("columns", 16, 16, columns, "Results."))),
    ]


def _identification(config):
    """Registers from which a driver reads the configuration."""
    macro = config.macro
    return [
        *identification(config, CORE_IDENTITY, "BLCM", macro.rows, macro.columns),
        Register(name="widths", offset=0x010, meaning="Bits of numbers.", fields=constants(
            ("weight_bits", 0, 8, macro.weight_bits, "Of a weight."),
            ("input_bits", 8, 8, macro.input_bits, "Of an input."),
            ("output_bits", 16, 8, config.output_bits, "Of a result; 32 if it is not requantized."),
            ("total_bits", 24, 8, macro.total_width, "Of a total."))),
        Register(name="capacity", offset=0x014, meaning="Banks, and vectors that accumulate.", fields=constants(
            ("max_accumulations", 0, 17, macro.max_accumulations, "Most vectors that add up to one result."),
            ("checksum", 20, 1, int(config.checksum), "Results are checked against a checksum."),
            ("banks", 24, 8, macro.banks, "Banks."))),
        Register(name="streams", offset=0x018, meaning="Bytes of the streams' beats.", fields=constants(
            ("input_bytes", 0, 8, config.input_stream_bits // 8, "Of s_axis."),
            ("weight_bytes", 8, 8, config.weight_stream_bits // 8, "Of s_axis_w."),
            ("output_bytes", 16, 8, config.output_stream_bits // 8, "Of m_axis."),
            *([("dma_address_bits", 24, 8, config.dma, "Of an address of the DMA.")] if config.dma else []))),
    ]


def error_register():
    """The first error, and how many."""
    return Register(name="error", offset=0x02C, meaning="Errors since they were cleared.", fields=fields_of(
        Access.RO,
        ("code", 0, 8, "The first of them.", {}), ("count", 8, 8, "How many; stays at 255.", {})))


# Events of any core.
EVENTS = (("error", 0, 1, "Something went wrong; see the register error.", {}),
          ("result", 1, 1, "The last beat of a result has left.", {}),
          ("loaded", 2, 1, "A packet of s_axis_w has been stored.", {}))


def interrupt_registers(events):
    """Which events have happened, and which of them raise the interrupt; events as of `EVENTS`."""
    for name, offset, access, meaning in (
            ("interrupt_status", 0x030, Access.W1C, "Events that have happened."),
            ("interrupt_enable", 0x034, Access.RW, "Events that raise the interrupt.")):
        yield Register(name=name, offset=offset, meaning=meaning, fields=fields_of(access, *events))


def _control(config):
    events = [("checksum", 4, 1, "A result does not agree with the checksum.", {})] if config.checksum else []
    events += [("transferred", 5, 1, "A transfer of the DMA has ended.", {})] if config.dma else []
    return [
        Register(name="control", offset=0x020, meaning="Commands.", busy_lock=True, fields=fields_of(
            Access.SINGLEPULSE,
            ("zeroize", 0, 1, "Write zero to every weight of every bank, and read each back.", {}),
            ("clear_counters", 2, 1, "Clear the performance counters.", {"busy_lock": False}),
            ("clear_error", 3, 1, "Clear the register error.", {"busy_lock": False}))),
        Register(name="status", offset=0x024, meaning="State of the core.", fields=fields_of(
            Access.RO,
            ("idle", 0, 1, "No vector has begun or is in flight, and no result is waiting.", {"reset": 1}),
            ("running", 1, 1, "A zeroize or self-test runs, or waits for packets and vectors to end.", {}),
            ("zeroized", 2, 1, "Zeroize read every weight back as zero, and none has been written since.", {}),
            ("failed", 3, 1, "The last zeroize or self-test read a value that was not written.", {}),
            ("loading", 4, 1, "A packet of s_axis_w waits, or has begun and not ended.", {}),
            ("load_ready", 5, 1, "The register load_data takes a word.", {}),
            ("set_used", 8, SETS, "Bit n: a vector in flight uses set n.", {}),
            ("passed", 10, 1, "The last zeroize or self-test ended without a failure.", {}))),
        Register(name="lock", offset=0x028, meaning="Write protection of weights and parameters.", fields=fields_of(
            Access.W1S,
            ("locked", 0, 1, "Weights and parameters can no longer be written.", {}))),
        error_register(),
        *interrupt_registers([*EVENTS, ("finished", 3, 1, "A zeroize or self-test has ended.", {}), *events]),
    ]


def _work(config):
    macro = config.macro
    bits, banks = macro.input_bits, macro.banks
    first = max(macro.rows, macro.columns) - 1
    last_bank = {"maximum": banks - 1}
    load = [("words", 1, 1, "Take load_data instead of s_axis_w.", {}),
            ("bank", 4, 4, "Bank of the weights.", last_bank),
            ("first", 16, 10, "First row or column.", {"maximum": first})]
    if config.requantizes:
        load += [("parameters", 0, 1, "Load columns' parameters instead of rows of weights.", {}),
                 ("set", 2, 1, "Set of the parameters.", {})]
    return [
        Register(name="vector", offset=0x040, meaning="Settings of vectors, sampled with the first beat of each.",
                 fields=fields_of(
                     Access.RW,
                     ("bits", 0, 5, "Lowest bits of each input that count.", {"reset": bits, "minimum": 1,
                                                                              "maximum": bits}),
                     ("is_signed", 8, 1, "Inputs are two's complement.", {}),
                     ("bank", 16, 4, "Bank of the first vector of a result; each further one takes the next bank.",
                      last_bank),
                     ("set", 24, 1, "Set of requantization parameters.", {}))),
        Register(name="accumulate", offset=0x044, has_write_strobe=True,
                 meaning="Vectors that add up to one result. After a write, the next vector that begins is the first "
                 "of a result.",
                 fields=fields_of(Access.RW, ("count", 0, 17, "How many.", {
                     "reset": 1, "minimum": 1, "maximum": macro.max_accumulations}))),
        Register(name="load", offset=0x048, meaning="Destination of loads. A write starts at first again.",
                 locks=True, busy_lock=True, has_write_strobe=True, fields=fields_of(Access.RW, *load)),
        Register(name="load_data", offset=0x04C, meaning="32 bits of a beat of s_axis_w, the lowest first.", locks=True,
                 busy_lock=True, has_write_strobe=True, fields=fields_of(Access.WO, ("word", 0, 32, "The bits.", {}))),
        Register(name="load_index", offset=0x050, meaning="Progress of a load.", fields=fields_of(
            Access.RO, ("index", 0, 11, "Next row or column.", {}))),
        Register(name="self_test", offset=0x058, meaning="Commands that test the storage or the products, and "
                 "overwrite all weights.", locks=True, busy_lock=True, fields=fields_of(
                     Access.SINGLEPULSE, ("march_c_minus", 0, 1, "Run March C-.", {}),
                     ("march_ss", 1, 1, "Run March SS.", {}),
                     ("known_answers", 2, 1, "Compute products of dense weights and vectors.", {}))),
        Register(name="fault", offset=0x054, meaning="First weight that the last zeroize or self-test read "
                 "wrong. It cannot be read while one runs.", busy_lock=True, fields=fields_of(
                     Access.RO, ("row", 0, 10, "Row.", {}), ("column", 12, 10, "Column.", {}),
                     ("bank", 24, 4, "Bank.", {}))),
    ]


ROUNDING = ("0: round once, halves up; 1: as TensorFlow Lite does, twice; 2: once, halves away from zero; "
            "3: as 1.")


def _settings(config):
    bits = config.output_bits
    minimum, maximum = 1 << bits - 1, (1 << bits - 1) - 1
    for index in range(SETS if config.requantizes else 0):
        yield Register(name=f"offset_{index}", offset=0x060 + 8 * index, locks=True, busy_lock=True,
                       meaning=f"Zero point and rounding of set {index}.", fields=fields_of(
                           Access.RW,
                           ("zero_point", 0, bits, "Zero point of the results, two's complement.", {}),
                           ("rounding", 16, 2, ROUNDING, {})))
        yield Register(name=f"clamp_{index}", offset=0x064 + 8 * index, locks=True, busy_lock=True,
                       meaning=f"Clamping of the results of set {index}.", fields=fields_of(
                           Access.RW,
                           ("low", 0, bits, "Minimum of results, two's complement.", {"reset": minimum}),
                           ("high", 16, bits, "Maximum of results, two's complement.", {"reset": maximum})))


# Fields by their names of the release before, which the C header of this release still has.
FORMER_NAMES = {
    "control.zeroise": "control.zeroize", "status.zeroised": "status.zeroized",
    "chain.length": "accumulate.count", "capacity.chain": "capacity.max_accumulations",
    **{f"widths.{name}": f"widths.{name}_bits" for name in ("weight", "input", "output", "total")},
    **{f"streams.{name}": f"streams.{name}_bytes" for name in ("input", "weight", "output")},
    "vector.signed": "vector.is_signed", **{f"offset_{n}.double": f"offset_{n}.rounding" for n in range(SETS)},
}

# Channels of the DMA: what is moved, and how.
DMA_CHANNELS = {"vectors": "vectors from memory", "weights": "rows of weights, or parameters, from memory",
                "results": "results to memory"}


def _dma(config):
    """Three or four registers a channel, and what they are doing."""
    for index, (name, meaning) in enumerate(DMA_CHANNELS.items() if config.dma else ()):
        offset = 0x0A0 + 16 * index
        words = [("address", "The lowest bits; those within a beat are ignored.")]
        words += [("address_high", "The highest bits.")] if config.dma > 32 else []
        for word, says in words:
            yield Register(name=f"dma_{name}_{word}", offset=offset, busy_lock=True,
                           meaning=f"Where the DMA moves {meaning}.",
                           fields=fields_of(Access.RW, ("address", 0, 32, says, {})))
            offset += 4
        yield Register(name=f"dma_{name}_beats", offset=0x0A8 + 16 * index, busy_lock=True, has_write_strobe=True,
                       meaning=f"How much is moved of {meaning}. A write starts it.",
                       fields=fields_of(Access.RW, ("beats", 0, COUNT_BITS, "Beats of the streams.",
                                                  {"reset": 1, "minimum": 1})))
        yield Register(name=f"dma_{name}_left", offset=0x0AC + 16 * index,
                       meaning=f"Progress of a transfer of {meaning}.", fields=fields_of(
                           Access.RO, ("beats", 0, COUNT_BITS, "Beats that the core has not taken, or given.", {})))
    if config.dma:
        yield Register(name="dma_status", offset=0x0D0, meaning="Channels of the DMA.", fields=fields_of(
            Access.RO,
            *((f"{name}_busy", index, 1, f"A transfer of {meaning} has not ended.", {})
              for index, (name, meaning) in enumerate(DMA_CHANNELS.items())),
            *((f"{name}_failed", 8 + index, 1, f"Memory failed in the last transfer of {meaning}.", {})
              for index, (name, meaning) in enumerate(DMA_CHANNELS.items()))))
        yield Register(name="dma_stop", offset=0x0D4, meaning="Ends transfers early.", fields=fields_of(
            Access.SINGLEPULSE, *((name, index, 1, f"End that of {meaning}.", {})
                                  for index, (name, meaning) in enumerate(DMA_CHANNELS.items()))))


PERFORMANCE_COUNTERS = {
    "cycles": "Clock cycles.",
    "vectors": "Vectors that the macro has accepted.",
    "planes_skipped": "Planes that were skipped because they could not change a result.",
    "input_stalls": "Cycles in which s_axis stalled: tvalid without tready.",
    "output_stalls": "Cycles in which m_axis stalled: tvalid without tready.",
}


def counter_registers(names=tuple(PERFORMANCE_COUNTERS)):
    """The performance counters with these names; each is at the same offset in any core."""
    for index, (name, meaning) in enumerate(PERFORMANCE_COUNTERS.items()):
        if name in names:
            yield Register(name=name, offset=0x080 + 4 * index, meaning=f"{meaning} Wraps.", fields=fields_of(
                Access.RO, ("count", 0, 32, "Since they were cleared.", {})))


def register_map(config):
    """All registers of a core, by rising offset."""
    registers = [*_identification(config), *_control(config), *_work(config), *_settings(config),
                 *counter_registers(), *_dma(config)]
    return tuple(sorted(registers, key=lambda register: register.offset))
