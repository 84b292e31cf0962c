"""The registers of a block core: gateware, SystemRDL and documents are generated from this table."""

from ...golden.formats.blocks import NUMBER_OF
from ..config.formats import WEIGHT_BEAT_BITS
from ..csr.register_map import (
    CORE_ERRORS,
    EVENTS,
    PERFORMANCE_COUNTERS,
    Access,
    ErrorCode,
    Register,
    constants,
    counter_registers,
    error_register,
    fields_of,
    identification,
    interrupt_registers,
)

BLOCK_CORE_IDENTITY = int.from_bytes(b"BLBC", "big")
# The errors that there may be, and what comes of them.
BLOCK_CORE_ERRORS = {
    **{code: CORE_ERRORS[code] for code in (ErrorCode.NONE, ErrorCode.UNMAPPED)},
    ErrorCode.VECTOR_NULL: "A byte of vectors was not kept (tkeep); results of that accumulation are lost.",
    ErrorCode.VECTOR_SHORT: "tlast came before the end of an accumulation, whose results are lost.",
    ErrorCode.VECTOR_LONG: "tlast did not come with the end of an accumulation; what followed was discarded.",
    ErrorCode.LOAD_NULL: "A byte of weights was not kept; the bank is without weights, or, at the header, as before.",
    ErrorCode.LOAD_SHORT: "tlast came within weights; the bank is without weights, or, at the header, as before.",
    ErrorCode.LOAD_LONG: "A packet went on after its last scales; the rest of it was discarded.",
    ErrorCode.VECTOR_HEADER: "There is no such format, bank or base; results of that accumulation are lost.",
    ErrorCode.LOAD_HEADER: "There is no such format or bank; that packet of weights was discarded.",
}
COUNTERS = tuple(name for name in PERFORMANCE_COUNTERS if name != "planes_skipped")


def block_core_register_map(config):
    """All registers of a block core, by rising offset.

    Parameters
    ----------
    config : BlockCoreConfig
    """
    blocks = config.blocks
    return (*identification(config, BLOCK_CORE_IDENTITY, "BLBC", blocks.macro.rows, blocks.columns),
            *_configuration(blocks), *_control(), error_register(),
            *interrupt_registers([*EVENTS, ("lost", 3, 1, "A result that is lost has left.", {})]),
            *counter_registers(COUNTERS))


def _numbers(choice):
    """A bit for each format of a choice."""
    return sum(1 << NUMBER_OF[name] for name in choice.names)


def _configuration(blocks):
    """Registers from which a driver reads the rest of the configuration."""
    return (
        Register(name="formats", offset=0x010, meaning="Formats, a bit for the number of each.", fields=constants(
            ("vector_formats", 0, 8, _numbers(blocks.x), "Of vectors."),
            ("weight_formats", 8, 8, _numbers(blocks.w), "Of weights."),
            ("result_bits", 16, 8, blocks.result_bits, "Bits of a result: 32, float32, or 16, bfloat16."))),
        Register(name="capacity", offset=0x014, meaning="Banks, and blocks that add up.", fields=constants(
            ("max_blocks", 0, 17, blocks.max_blocks, "Most blocks that add up to one result."),
            ("banks", 24, 8, blocks.macro.banks, "Banks."))),
        Register(name="streams", offset=0x018, meaning="Bytes of the streams' beats.", fields=constants(
            ("input_bytes", 0, 8, blocks.input_beat_bits // 8, "Of s_axis."),
            ("weight_bytes", 8, 8, WEIGHT_BEAT_BITS // 8, "Of s_axis_w."),
            ("output_bytes", 16, 8, blocks.result_bits // 8, "Of m_axis."))),
        Register(name="window", offset=0x01C, meaning="Exponents of sums.", fields=constants(
            ("bias", 0, 16, blocks.bias, "A sum counts 2**(exponent - bias)."),
            ("max_shift", 16, 16, blocks.max_shift, "By how much the exponent may exceed the base."))),
    )


def _control():
    return (
        Register(name="control", offset=0x020, meaning="Commands.", fields=fields_of(
            Access.SINGLEPULSE,
            ("clear_counters", 2, 1, "Clear the performance counters.", {}),
            ("clear_error", 3, 1, "Clear the register error.", {}))),
        Register(name="status", offset=0x024, meaning="State of the core.", fields=fields_of(
            Access.RO,
            ("idle", 0, 1, "No vector has begun or is in flight, and no result is waiting.", {"reset": 1}),
            ("loading", 4, 1, "A packet of s_axis_w waits, or has begun and not ended.", {}))),
    )
