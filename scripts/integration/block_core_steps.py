"""The testbench of a block core in plain Verilog: drawn blocks of all of its formats and banks, and faulty packets."""

from ...hdl.block_core.register_map import BLOCK_CORE_IDENTITY, block_core_register_map
from ...hdl.config.formats import WEIGHT_BEAT_BITS
from ...hdl.csr.register_map import ErrorCode
from ...verif.formats.core_program import CoreProgram, faulty_program
from ...verif.formats.program import drawn_program
from .simulation import stream_testbench
from .steps import VECTOR, WEIGHTS, StreamSteps, beat_bits, joined_beat

ACCUMULATIONS = 20
# Without a step that ends or a beat of a result.
TIMEOUT_CYCLES = 20_000


def block_core_testbench(config):
    """The testbench of a block core and its numbers, by name.

    Parameters
    ----------
    config : BlockCoreConfig
    """
    return stream_testbench(config, block_core_steps(config), TIMEOUT_CYCLES)


def block_core_steps(config):
    """Identification; accumulations, between which banks are written; packets with each fault, on both streams."""
    blocks, seed = config.blocks, int(config.hash, 16)
    steps = StreamSteps(block_core_register_map(config), blocks.input_beat_bits, WEIGHT_BEAT_BITS, blocks.result_bits)
    steps.read("identity", identity=BLOCK_CORE_IDENTITY)
    steps.read("configuration", hash=seed)
    steps.read("shape", rows=blocks.macro.rows, columns=blocks.columns)
    steps.read("status", idle=1, loading=0)
    _play(steps, drawn_program(blocks, ACCUMULATIONS, seed, kind=CoreProgram))
    steps.wait("status", idle=1)
    steps.refused(ErrorCode.UNMAPPED)
    program = faulty_program(blocks, 1, seed)
    _play(steps, program)
    steps.wait("status", idle=1, loading=0)
    steps.read("interrupt_status", error=1, result=1, loaded=1, lost=1)
    steps.read("error", code=ErrorCode[program.faults[0]], count=len(program.faults))
    return steps


def _play(steps, program):
    """Beats of a program, each as soon as those of the other stream are sent that it needs."""
    sent, kinds = {"w": 0, "i": 0}, {"w": WEIGHTS, "i": VECTOR}
    while any(sent[stream] < len(program.beats[stream]) for stream in sent):
        stream = next(stream for stream, other in (("w", "i"), ("i", "w")) if sent[stream] < len(program.beats[stream])
                      and program.needs[stream][sent[stream]] <= sent[other])
        beat, kind = program.beats[stream][sent[stream]], kinds[stream]
        steps.add(kind, 0, joined_beat(beat["last"], beat["keep"], beat["data"], steps.bits[kind]))
        sent[stream] += 1
    bits = steps.output_bits
    steps.results += [beat["user"] << beat_bits(bits) | joined_beat(beat["last"], beat["keep"], beat["data"], bits)
                      for beat in program.beats["o"]]
