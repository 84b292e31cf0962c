"""The registers of an engine: gateware, header and document are generated from this table."""

from amaranth.hdl import Shape

from ..csr.register_map import CORE_ERRORS, Access, ErrorCode, Register, constants, fields_of, version_register
from ..engine.control.image_words import Section
from ..engine.control.sequencer import NUMBER_BITS
from ..engine.faults import FAULT
from ..engine.trace import ENTRY_WORDS, WORD_BITS, WORDS

ENGINE_IDENTITY = int.from_bytes(b"BLNE", "big")
# The errors that there may be.
ENGINE_ERRORS = {code: CORE_ERRORS[code] for code in (
    ErrorCode.NONE, ErrorCode.BUSY, ErrorCode.UNMAPPED, ErrorCode.VALUE)}
# Bits of an address of the activation memory, and of the number of an item.
ITEM_BITS = 24


def engine_register_map(config):
    """All registers of an engine, by rising offset.

    Parameters
    ----------
    config : EngineConfig
    """
    registers = [*_identification(config), *_control(), *_memories(config), *_outside(config), *_results(config)]
    return tuple(sorted(registers, key=lambda register: register.offset))


def _identification(config):
    """Registers from which a driver reads the configuration."""
    macro = config.macro
    return (
        Register(name="identity", offset=0x000, meaning="Identifies an engine.", fields=constants(
            ("identity", 0, 32, ENGINE_IDENTITY, "The letters BLNE, B highest."))),
        version_register(0x004),
        Register(name="configuration", offset=0x008, meaning="Identifies the configuration.", fields=constants(
            ("hash", 0, 32, int(config.hash, 16), "The hash that images for the engine have."))),
        Register(name="shape", offset=0x00C, meaning="Size of the array.", fields=constants(
            ("rows", 0, 16, macro.rows, "Rows of the macro."), ("columns", 16, 16, config.columns, "Its columns."))),
        Register(name="activation_memory", offset=0x010, meaning="Size of the activation memory.", fields=constants(
            ("activation_bytes", 0, 25, config.activation_bytes, "Bytes."),
            ("lanes", 25, 6, config.lanes, "Bytes of its words, and lanes."))),
        Register(name="tile_memory", offset=0x014, meaning="Size of the memory of tiles.", fields=constants(
            ("tile_rows", 0, 17, config.most_tile_rows, "Rows of an image at most."))),
        Register(name="parameter_memory", offset=0x018, meaning="Size of that of parameters.", fields=constants(
            ("parameter_slots", 0, 17, config.parameter_slots, "Slots, each of as many as there are lanes."))),
        Register(name="descriptor_memory", offset=0x01C, meaning="Size of the program.", fields=constants(
            ("program_length", 0, 11, config.program_length, "Descriptors at most."))),
        Register(name="load_memory", offset=0x020, meaning="Size of the list of loads.", fields=constants(
            ("load_entries", 0, 17, config.load_entries, "Entries at most."))),
        Register(name="weight_port", offset=0x024, meaning="Where rows of tiles are.", fields=constants(
            ("bytes", 0, 7, config.weight_port, "0: in the engine. Else in a memory outside, at a multiple of so many "
             "bytes."))),
    )


def _control():
    events = (("finished", 0, 1, "A run has ended.", {}), ("error", 1, 1, "An access was refused.", {}))
    return (
        Register(name="control", offset=0x030, meaning="Commands.", busy_lock=True, fields=fields_of(
            Access.SINGLEPULSE,
            ("start", 0, 1, "Run the program.", {}),
            ("cancel", 1, 1, "End the run.", {"busy_lock": False}),
            ("clear_error", 2, 1, "Clear the register error.", {"busy_lock": False}))),
        Register(name="status", offset=0x034, meaning="State of the engine.", fields=fields_of(
            Access.RO,
            ("busy", 0, 1, "A run goes on, or comes to its end.", {}),
            ("done", 1, 1, "A run has ended, and no other has begun.", {}),
            ("canceled", 2, 1, "The last run was canceled while it went on.", {}))),
        Register(name="fault", offset=0x038, meaning="What ended the last run.", fields=fields_of(
            Access.RO,
            ("descriptor", 0, NUMBER_BITS, "Number of the descriptor that has the fault.", {}),
            ("code", 16, Shape.cast(FAULT).width, "Its kind, 0 for none.", {}))),
        Register(name="error", offset=0x03C, meaning="Refused accesses since they were cleared.", fields=fields_of(
            Access.RO,
            ("code", 0, 8, "The first of them.", {}), ("count", 8, 8, "How many; stays at 255.", {}))),
        Register(name="interrupt_status", offset=0x040, meaning="Events that have happened.",
                 fields=fields_of(Access.W1C, *events)),
        Register(name="interrupt_enable", offset=0x044, meaning="Events that raise the interrupt.",
                 fields=fields_of(Access.RW, *events)),
    )


def _memories(config):
    return (
        Register(name="load_count", offset=0x050, meaning="Entries of the list of loads that runs use.", busy_lock=True,
                 fields=fields_of(Access.RW, ("count", 0, 17, "How many.", {"maximum": config.load_entries}))),
        Register(name="target", offset=0x054, meaning="Where the words of write_data go.", busy_lock=True,
                 has_write_strobe=True, fields=fields_of(
                     Access.RW,
                     ("item", 0, ITEM_BITS, "First item: descriptor, load, row of tiles, `slot * lanes + lane`, or "
                      "address in the activation memory.", {}),
                     ("section", ITEM_BITS, 3, "0: program, 1: loads, 2: tiles, 3: parameters, 4: activation memory.",
                      {"maximum": max(section.value for section in Section)}))),
        Register(name="write_data", offset=0x058, busy_lock=True, has_write_strobe=True,
                 meaning="The next word, item by item, or four bytes of the activation memory. Refused as busy beyond "
                 "the last item, too.",
                 fields=fields_of(Access.WO, ("word", 0, 32, "The word.", {}))),
        Register(name="read_address", offset=0x05C, meaning="Where read_data begins.", busy_lock=True,
                 has_write_strobe=True, fields=fields_of(
                     Access.RW, ("address", 0, ITEM_BITS, "Address in the activation memory.",
                                 {"maximum": config.activation_bytes - 1}))),
        Register(name="read_data", offset=0x060, busy_lock=True, has_read_strobe=True,
                 meaning="Four bytes of the activation memory; each read goes on to the next four.",
                 fields=fields_of(Access.RO, ("word", 0, 32, "The bytes, the first lowest.", {}))),
        Register(name="checksum", offset=0x064, meaning="Of what has come to write_data since target was written.",
                 fields=fields_of(Access.RO, ("crc", 0, 32, "CRC-32 of zlib of its bytes; refused words are none of "
                                              "them. After a section that of the image's table.", {}))),
    )


def _outside(config):
    """Of an engine with a `weight_port`."""
    if not config.weight_port:
        return
    yield Register(name="row_count", offset=0x04C, meaning="Rows of tiles that the memory outside has.", busy_lock=True,
                   fields=fields_of(Access.RW, ("count", 0, 17, "How many; no other is read.",
                                                {"maximum": config.most_tile_rows})))
    for name, offset, says in (("", 0x068, "lowest"), ("_high", 0x06C, "highest")):
        yield Register(name=f"weight_address{name}", offset=offset, busy_lock=True,
                       meaning="Where the memory outside has them, one behind the other as in an image.",
                       fields=fields_of(Access.RW, ("address", 0, 32, f"The {says} bits.", {})))


def _results(config):
    words = ", ".join(WORDS)
    return (
        Register(name="result", offset=0x070, meaning="Result of END.", fields=fields_of(
            Access.RO, ("argmax", 0, 16, "Number of the greatest output.", {}))),
        Register(name="cycles", offset=0x074, meaning="Length of the last run.", fields=fields_of(
            Access.RO, ("count", 0, 32, "Clock cycles.", {}))),
        Register(name="trace_count", offset=0x078, meaning="Length of the trace of the last run.", fields=fields_of(
            Access.RO, ("count", 0, 11, "Entries.", {}))),
        Register(name="trace_address", offset=0x07C, meaning="Word of the trace to read.", busy_lock=True,
                 fields=fields_of(Access.RW, (
                     "word", 0, 13, f"Its number: {ENTRY_WORDS} words an entry, of which the first are {words}.",
                     {"maximum": ENTRY_WORDS * config.program_length - 1}))),
        Register(name="trace_data", offset=0x080, meaning="That word.", busy_lock=True, fields=fields_of(
            Access.RO, ("word", 0, WORD_BITS, "The word.", {}))),
    )
