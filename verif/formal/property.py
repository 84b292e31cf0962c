"""A property: its block, its check in `formal/`, how it is proved, and bugs that must break it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...golden.march_tests import PROGRAMS
from ...hdl.bist.data_background import DataBackground
from ...hdl.columns.table_columns import entry_layout
from ...hdl.config import CoreConfig, MacroConfig
from ...hdl.config.widths import ceil_log2
from ...hdl.core.requantizer import Requantizer
from ...hdl.core.result_packer import MIN_DEPTH, result_beat_layout, room_for_beats
from .paths import unregistered


@dataclass(frozen=True)
class Property:
    """A statement about a block, and how it is proved.

    Parameters
    ----------
    name, says : str
    check : str
        The file of ``formal`` in which it is written.
    config : MacroConfig or CoreConfig
    block : str
        Module of the configuration's Verilog; the whole where empty.
    bugs : tuple of (str, str) or (str, str, str)
        What is changed in the module's Verilog, to what, as `Design.mutated` has it, and the block if that is another
        than the property's: each bug must be found.
    mode, depth : str, int
        ``"prove"``: by k-induction, k being the depth, for runs of any length; ``"bmc"``: for so many cycles, from
        every state that the check allows.
    cover_depth, bug_depth : int
        Cycles in which covers are reached and bugs are found.
    solvers : tuple of str
    exposed : tuple of str
        Registers that the check uses.
    taps : function
        Of the `Module`, gives further ports by name: their widths and expressions.
    also : function
        Of the `Design`, says why it cannot hold, or None: what is decided without a solver.
    defines : dict
        Macros for the check.
    script : str
        For Yosys, before the proof.
    argument : str
        How the proof reaches what it says, where that is more than its mode and depth.
    fabric : str
    """

    name: str
    says: str
    check: str
    config: MacroConfig | CoreConfig
    block: str
    bugs: tuple
    depth: int
    mode: str = "prove"
    cover_depth: int = 0
    bug_depth: int = 0
    solvers: tuple = ("yices", "z3")
    exposed: tuple = ()
    taps: Callable = None
    also: Callable = None
    defines: dict = field(default_factory=dict)
    script: str = ""
    argument: str = ""
    fabric: str = "generic"


def word(module, name, bits):
    """A signal of the module, sign-extended to so many bits."""
    width = module.width(name)
    top = f"{name}[{width - 1}]" if width > 1 else name
    return f"{{{{{bits - width}{{{top}}}}}, {name}}}"


def tree_nodes(rows, bits):
    """A tap of the nodes of a carry-chain tree: a word each, level by level, the first lowest.

    A row without a partner passes as it is, and its bit of the plane beside it, until it meets one.
    """
    def nodes(module):
        words, level, count = [], 0, rows
        while count > 1:
            level, count = level + 1, -(-count // 2)
            for index in range(count):
                node = word(module, f"level{level}_0_{index}" if count > 1 else "sum", bits)
                alone = (index << level) + 1 == rows
                words.append(f"{{{bits}{{late_{level - 1}}}}} & {node}" if alone else node)
        return {"nodes": (bits * len(words), "{" + ", ".join(reversed(words)) + "}")}
    return nodes


def node_count(rows):
    """How many those are."""
    return 0 if rows == 1 else -(-rows // 2) + node_count(-(-rows // 2))


def controller_ports(module, bits):
    """Taps for the check of a controller whose inputs have so many bits."""
    nets = {name: net for name, net in module.nets.items() if net.is_register}
    loads = sorted((name for name in nets if name.startswith("loads_")), key=lambda name: int(name[6:]))
    stages = ["_plane_last", *loads, "complete_0", *(name for name in ("total_0", "fused_0_0") if name in nets)]
    hold = sorted(name for name in nets if name.startswith("hold_") and not name.startswith("hold_bank_"))
    banks = ["driven[0]", "bank", *sorted(name for name in nets if name.startswith("hold_bank_"))]
    first = nets.get("first")
    return {
        "stages": (len(stages), "{" + ", ".join(reversed(stages)) + "}"),
        "banks": (len(banks), "{" + ", ".join(reversed(banks)) + "}"),
        "load_ahead": (1, "control_load"),
        "hold": (len(hold), "{" + ", ".join(reversed(hold)) + "}"),
        **({"accumulates": (1, "arrival[4]"), "enable_1": (1, "will_enable"),
            # With a broadcast that is what goes to it.
            "enable_2": (1, "enable_2" if "enable_2" in nets else "control_advance_next"),
            "arrival_bank": (1, f"arrival[{bits.bit_length()}]")} if "arrival" in nets else {
            # As wide as the others, though there is none with an interval of 1.
            "first_plane": (first.width, "first") if first else (bits, f"{bits}'b0"),
            "accumulates": (1, "_waiting[4]"),
        }),
    }


def vectors_in_macro(config):
    """Most vectors in a macro, by what the check of the controller says: those that arrived, wait and are driven, those
    in its stages, and one at the output.
    """
    return 2 + config.is_deep + controller_stages(config) + 1


def controller_stages(config):
    """Cycles, without stalls, from a vector's last plane to the register before the output."""
    return 4 + config.broadcast + config.column_latency - 1 + config.fuse_latency


def controlled(name, says, config, bugs, **more):
    """A property of a controller with two banks and accumulation."""
    stages = controller_stages(config)
    ahead = ["arrived", "waited", "is_calibration", "move", "index", "following", "steps"] if config.is_deep else []
    return Property(name, says, "controller", config, "controller", bugs,
                    taps=lambda module: controller_ports(module, config.input_bits),
                    exposed=("drives", "on_wordlines", "started", *ahead),
                    defines={"BITS": config.input_bits, "DESCRIPTOR": 5 + (config.fuse > 1), "STAGES": stages,
                             "COMPLETE": stages - 1 - config.fuse_latency, "INTERVAL": config.result_interval,
                             "BROADCAST": config.broadcast, "HOLD_CYCLES": config.bank_hold_cycles,
                             **({"FUSED": 1} if config.fuse > 1 else {}), **({"DEEP": 1} if ahead else {})
                             } | more.pop("defines", {}), **more)


def summed(name, says, rows, weight_bits, input_bits, vectors, bugs, **more):
    """A property of the accumulator of columns of bitcells, over so many vectors."""
    config = MacroConfig(rows=rows, columns=1, weight_bits=weight_bits, input_bits=input_bits,
                         max_accumulations=vectors)
    half = 1 << weight_bits - 1
    registers = ("accumulator", "flip_q", "carry_q", "shift_q", "add_q")
    return Property(name, says, "accumulator", config, "accumulator", bugs, exposed=registers, defines={
        "ROWS": rows, "BITS": input_bits, "VECTORS": vectors, "MAX_WEIGHT": half - 1, "MIN_MAGNITUDE": half,
        "COMPLEMENT": 0, "SUM": config.sum_width, "WIDTH": config.accumulator_width, "TOTAL": config.total_width,
        "WIDE": config.total_width + 4} | more.pop("defines", {}), **more)


def lane(name, says, check, output, bugs, depth, **more):
    """A property of a lane of the requantizer whose totals have 32 bits; its registers of products are shown."""
    config = CoreConfig(macro=MacroConfig(rows=4, columns=2, input_bits=16, max_accumulations=64), output=output)
    products = {"HH": 33, "HL": 33, "LH": 32, "LL": 32}
    return Property(name, says, check, config, "lane", bugs, depth, "bmc", solvers=("yices",),
                    exposed=(*(f"product_{pieces.lower()}" for pieces in products), *more.pop("exposed", ())),
                    defines={"TOTAL": config.macro.total_width, "OUT": config.output_bits} | products, **more)


def grouped(name, says, interval, bugs, **more):
    """A property of a requantizer of raw results whose totals stay for so many cycles."""
    config = CoreConfig(macro=MacroConfig(rows=4, columns=3, banks=2, result_interval=interval), output="int32")
    group, total = max(1, ceil_log2(config.groups)), config.macro.total_width
    return Property(name, says, "groups", config, "requantizer", bugs, 3, exposed=("group",), taps=lambda module: {
                        "left": (1, "remain" if config.kept_groups else "1'b0")},
                    cover_depth=16, bug_depth=16, solvers=("yices",), defines={
                        "GROUPS": config.groups, "GROUP": group, "TOTALS": config.macro.columns * total,
                        "SHOWN": 3 + group + config.lanes * total, "KEPT": config.kept_groups,
                        "CREDIT": max(config.kept_groups, 1)}, **more)


def packed_beats(name, says, config, bugs, **more):
    """A property of the result packer of a core, with its requantizer's latency."""
    latency = Requantizer.max_vectors(config)
    depth, beyond = room_for_beats(config, latency)
    parts = config.beat_groups
    width = max(1, ceil_log2(parts))
    return Property(name, says, "beats", config, "packer", bugs, 3, cover_depth=40, bug_depth=40,
                    solvers=("yices",), exposed=("fifo.inner_level",), taps=lambda module: {
                        "left_over": (8, word(module, "room", 8)),
                        "position": (width, "position" if parts > 1 else "1'b0"),
                        "promised": (width, "promised_part" if parts > 1 else "1'b0"),
                        "writes": (1, module.instances["fifo"].pins["w_en"]),
                        "writes_last": (1, "i__last")},
                    defines={"GROUPS": config.groups, "LATENCY": latency, "RESULTS": config.lanes * config.output_bits,
                             "BEAT": result_beat_layout(config).size, "POSITION": width, "PARTS": parts,
                             "LEVEL": ceil_log2(depth), "CREDIT": max(config.kept_groups, 1), "DEPTH": depth,
                             "BEYOND": beyond, **({"FULL": 1} if depth > MIN_DEPTH else {})}, **more)


def fused(name, says, config, bugs, **more):
    """A property of a group of fused columns."""
    def registers(module):
        slices = [f"slice_{index}" for index in range(config.fuse)]
        pairs = [f"pair1_{index}" for index in range(config.fuse // 2)] if config.fuse > 2 else ["y"]
        return {"slices": (config.fuse * (config.total_width + 1), "{" + ", ".join(reversed(slices)) + "}"),
                "pairs": (config.fuse * config.total_width, "{" + ", ".join(reversed(pairs)) + "}")}
    return Property(name, says, "fuse", config, "fuse", bugs, 2, cover_depth=5, bug_depth=5, taps=registers, defines={
        "COLUMNS": config.fuse, "STAGES": config.fuse_latency, "TOTAL": config.total_width, "SUM_X": config.sum_x_width,
        "WEIGHT": config.weight_bits, "BITS": config.input_bits, "TERMS": config.rows * config.max_accumulations,
        "WIDE": config.fuse * config.total_width + 2}, solvers=("yices",), **more)


def streaming(name, says, bus, bugs, allowed, **more):
    """A property of a whole core with such a bus; ``allowed``: what may depend on its inputs, see `unregistered`."""
    config = CoreConfig(macro=MacroConfig(rows=4, columns=3, banks=2), input_stream_bits=32, output="int32", bus=bus)
    return Property(name, says, "streams", config, "", bugs, 3, cover_depth=20, bug_depth=20, solvers=("yices",),
                    script="flatten", also=lambda design: unregistered(design, ("aclk", "aresetn"), allowed),
                    defines={"IN": config.input_stream_bits, bus.upper(): 1}, **more)


def packed(values):
    """Verilog for bytes, the first lowest."""
    return "{" + ",".join(f"8'd{value}" for value in reversed(values)) + "}"


def march_tables():
    """What `march_ends.sv` says of each operation and program of the self-test, by `PROGRAMS` alone."""
    tables = {name: [] for name in ("PROGRAM", "FIRST", "LENGTH", "AFTER", "LATER", "DOWN")}
    counts = []
    for number, elements in enumerate(PROGRAMS.values()):
        lengths = [len(operations.split()) for _, operations in elements]
        for index, ((order, _), length) in enumerate(zip(elements, lengths)):
            first = len(tables["FIRST"])
            for operation in range(length):
                row = (number, first, length, length - 1 - operation, sum(lengths[index + 1:]), int(order == "down"))
                for table, value in zip(tables.values(), row):
                    table.append(value)
        counts.append(sum(lengths))
    return {name: packed(values) for name, values in tables.items()} | {
        "OPERATIONS": len(tables["FIRST"]), "EACH": packed(counts)}


def march_ending(name, says, config, bugs, **more):
    """A property of the self-test of a core."""
    runs = [1 if program in ("zeroize", "known_answers") else DataBackground.count(config) for program in PROGRAMS]
    macro = config.macro
    beats = [-(-8 * size // bits) for size, bits in ((config.vector_bytes, config.input_stream_bits),
                                                     (config.row_bytes, config.weight_stream_bits))]
    operations = max(count * each for count, each in zip(
        (sum(len(part.split()) for _, part in elements) for elements in PROGRAMS.values()), runs))
    defines = {
        "ROWS": macro.rows, "BANKS": macro.banks, "GROUPS": config.groups, "BEATS": max(beats),
        "ROW": max(1, ceil_log2(macro.rows)), "BANK": max(1, ceil_log2(macro.banks)),
        "GROUP": max(1, ceil_log2(config.groups)), "BEAT": max(1, ceil_log2(max(beats))),
        "VECTOR_LAST": beats[0] - 1, "ROW_LAST": beats[1] - 1, "TOTALS": config.lanes * macro.total_width,
        "RUNS": packed(runs), "BOUND": operations * macro.rows * macro.banks * (max(beats) + 5) + 2,
        **march_tables()}
    return Property(name, says, "march_ends", config, "self_test", bugs, 2, defines=defines, solvers=("yices",),
                    script="flatten", **more)


def level_sums(name, says, rows, fabric, bugs, weight_bits=8, **more):
    """A property of a carry-chain tree, level by level."""
    word_bits = weight_bits + rows.bit_length() + 1
    config = MacroConfig(rows=rows, columns=1, weight_bits=weight_bits, input_bits=1)
    return Property(name, says, "tree_levels", config, "adder_tree", bugs, 2, "bmc", taps=tree_nodes(rows, word_bits),
                    defines={"ROWS": rows, "BITS": weight_bits, "WORD": word_bits, "NODES": node_count(rows)},
                    argument="induction over levels", fabric=fabric, **more)


def whole(name, says, config, depth, bugs, **more):
    """A property of a whole macro of one column, for so many cycles."""
    defines = {"ROWS": config.rows, "BITS": config.input_bits, "WEIGHT": config.weight_bits,
               "TOTAL": config.total_width, "BANKS": config.banks, "CHOSEN": config.banks - 1,
               "BANK": max(1, (config.banks - 1).bit_length()), "ROW": max(1, (config.rows - 1).bit_length())}
    defines |= {"HAS_BANKS": 1} if config.banks > 1 else {}
    defines |= {"HAS_ROWS": 1} if config.rows > 1 else {}
    return Property(name, says, "macro", config, "", bugs, depth, "bmc", cover_depth=depth,
                    defines=defines, **more)


def table_nodes(groups, levels, bits):
    """Taps of a table column: its entries with their signs, the nodes of its levels, its sums for planes of zeros."""
    def nodes(module):
        entries = [f"{{sign_{group}, entry_{group}_0}}" for group in range(groups)]
        width = module.width("entry_0_0") + 1
        names = [f"level{level}_0_{index}" for level in range(1, levels + 1) for index in range(groups >> level)]
        words = [word(module, name, bits) for name in names]
        return {"entries": (width * groups, "{" + ", ".join(reversed(entries)) + "}"),
                "nodes": (bits * len(words), "{" + ", ".join(reversed(words)) + "}"),
                "zeros": (2 * bits, "{" + ", ".join(word(module, f"zero0_{bank}", bits) for bank in (1, 0)) + "}")}
    return nodes


def table_sums(name, says, config, bugs, **more):
    """A property of a table column of two banks, a power of two of groups of rows."""
    (shape,) = config.shapes
    bits = config.sum_width + 3
    return Property(name, says, "table_levels", config, shape.columns_name(1), bugs, shape.levels + 4, "bmc",
                    taps=table_nodes(shape.groups, shape.levels, bits),
                    defines={"GROUPS": shape.groups, "LEVELS": shape.levels, "ENTRY": shape.entry_bits, "WORD": bits,
                             "PLANE": shape.plane_bits, "SUM": config.sum_width,
                             "WRITE": entry_layout(shape, 1).size},
                    argument="induction over levels", **more)
