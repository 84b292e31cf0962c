"""A macro or core in which every flip-flop can be flipped, and the program that runs on a macro."""

import json
import random
import re
from dataclasses import dataclass

import numpy as np

from ...golden.macro import MacroModel
from ...golden.program import pause
from ...hdl.config import CoreConfig
from ...hdl.emit import emit, run_yosys
from ...hdl.macro.ports import HANDSHAKE, ports
from ..macro.macro_bench import joined
from ..macro.stimulus import Stimulus
from ..sim.port_fields import encode_vector, encode_write

# Instances of bitcell arrays: weights are storage, and not struck.
STORAGE = ("array",)
# C++ sees a port as words only if it is wider than this.
NARROW = 65


@dataclass(frozen=True)
class FlipFlop:
    """One bit that can be flipped: the innermost block that it is in, and its name."""

    block: str
    name: str


def with_flips(config, verilog=None):
    """Verilog of a macro or core with one more input, ``flip``, and the flip-flops that its bits flip.

    A bit that is set in a cycle inverts what its flip-flop takes at the end of it, whether it would hold or load.
    Memories stay memories; of a core those around its macro are flipped.
    """
    verilog = emit(config) if verilog is None else verilog
    design = json.loads(run_yosys(f"read_verilog -sv <<verilog\n{verilog}\nverilog\n"
                                  f"hierarchy -top {config.name}; proc; flatten; opt_clean; memory_collect; dffunmap\n"
                                  "write_json\n"))
    module = design["modules"][config.name]
    used = [bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int)]
    fresh = iter(range(max(used) + 1, 1 << 40))
    flip_flops, flips, top = [], [], "core" if isinstance(config, CoreConfig) else "macro"
    names = {}
    for name, net in sorted(module["netnames"].items()):
        for index, bit in enumerate([] if net["hide_name"] else net["bits"]):
            names.setdefault(bit, []).append((name, index))
    for label, cell in sorted(module["cells"].items()):
        if cell["type"] != "$dff":
            continue
        path = re.findall(r"\\([^.\\]+)\.", label)
        block = re.sub(r"(_\d+)+$", "", path[-1]) if path else top
        if block in STORAGE or "macro" in path:
            continue
        flip, taken = ([next(fresh) for _ in cell["connections"]["D"]] for _ in range(2))
        module["cells"][f"flip_{len(flips)}"] = _xor(cell["connections"]["D"], flip, taken)
        cell["connections"]["D"] = taken
        flips += flip
        for bit in cell["connections"]["Q"]:
            # Of the wires that it drives the one in its own block.
            name, index = min(names[bit], key=lambda found: (found[0].split(".")[:-1] != path, found))
            flip_flops.append(FlipFlop(block, f"{name}[{index}]"))
    module["ports"]["flip"] = {"direction": "input", "bits": flips}
    module["netnames"]["flip"] = {"hide_name": 0, "bits": flips, "attributes": {}}
    text = run_yosys(f"read_json <<json\n{json.dumps(design)}\njson\nopt_clean\nwrite_verilog -sv -noattr\n")
    return text[text.index("module "):], flip_flops


def _xor(a, b, y):
    width = f"{len(y):032b}"
    return {"hide_name": 0, "type": "$xor", "attributes": {},
            "parameters": {"A_SIGNED": "0", "B_SIGNED": "0", "A_WIDTH": width, "B_WIDTH": width, "Y_WIDTH": width},
            "port_directions": {"A": "input", "B": "input", "Y": "output"},
            "connections": {"A": a, "B": b, "Y": y}}


def bench(config, flip_flops):
    """The module around it, with each payload as one port."""
    width, connections = {"write": 0, "i": 0, "o": 0}, []
    for port in ports(config):
        if port.field in HANDSHAKE:
            connections.append(f".{port.name}({port.name})")
            continue
        low = width[port.stream]
        width[port.stream] += port.shape.width
        connections.append(f".{port.name}({port.stream}[{low + port.shape.width - 1}:{low}])")
    size = {name: max(bits, NARROW) for name, bits in {**width, "flip": len(flip_flops)}.items()}
    unused = f"  assign o[{size['o'] - 1}:{width['o']}] = 0;\n" if size["o"] > width["o"] else ""
    return (f"module bench(input clk, input rst, input [{size['flip'] - 1}:0] flip,\n"
            f"  input write_valid, output write_ready, input [{size['write'] - 1}:0] write,\n"
            f"  input i_valid, output i_ready, input [{size['i'] - 1}:0] i,\n"
            f"  output o_valid, input o_ready, output [{size['o'] - 1}:0] o);\n{unused}"
            f"  {config.name} macro (.clk(clk), .rst(rst), .flip(flip[{len(flip_flops) - 1}:0]),\n    "
            + ",\n    ".join(connections) + ");\nendmodule\n")


def program(config, seed):
    """The program for `flip_flops.cpp`: all banks are written, then vectors of every kind between writes.

    Writes and vectors wait for each other, so that what each vector sees does not hang on cycles.
    """
    rng = random.Random(seed)
    stimulus = Stimulus(config, rng, np.random.default_rng(seed))
    model = MacroModel(config)
    writes = [(0, write) for bank in range(config.banks) for write in stimulus.bank(bank)]
    vectors, lines = [], []
    for _ in range(3):
        vectors += [(len(writes), vector) for vector in stimulus.vectors(8)]
        writes += [(len(vectors), write) for write in stimulus.bank(rng.randrange(config.banks))]
    vectors += [(len(writes), vector) for vector in stimulus.vectors(4)]
    position = 0
    for after, vector in vectors:
        while position < after:
            write = writes[position][1]
            model.write(write.bank, write.row, write.weights)
            position += 1
        result = model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                              accumulate=vector.accumulate, fuse=vector.fuse)
        y = joined(result.y, config.total_width * min(vector.fuse, config.fuse))
        payload = y | joined([result.sum_x], config.sum_x_width) << config.total_width * config.columns
        lines.append(f"{after:x} {_payload(config, 'i', encode_vector(config, vector)):x} {payload:x}")
    stored = [f"{after:x} {_payload(config, 'write', encode_write(config, write)):x}" for after, write in writes]
    return "\n".join([f"{len(writes):x} {len(vectors):x} {pause(config) + 8:x}", *stored, *lines, ""])


def _payload(config, stream, values):
    payload, low = 0, 0
    for port in ports(config):
        if port.stream == stream and port.field not in HANDSHAKE:
            payload |= values[port.field] << low
            low += port.shape.width
    return payload
