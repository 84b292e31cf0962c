"""Comparison of two words, as an expression or in the carry cells of a fabric."""

from amaranth.hdl import Const, Instance, Signal

from .emitter import Platform

# Positions of a carry chain, the first and the last included: of more, the carry takes longer than a LUT more would.
LONGEST = 12

# Tables of a LUT4 whose input A is the lowest address bit: A = B with C and D high, A = B and C = D, and none is one.
FIRST_EQUAL, BOTH_EQUAL, ALL_LOW = 0x0009, 0x9009, 0x0001
ONE = Const(1)


def differ(m, platform, name, first, second=None):
    """Whether two words differ, or a word from zero, as one bit for each part; any of them counts.

    On ECP5 each part is a chain of carry cells, whose carry is one as long as the bits are equal. Without the gate for
    a generated carry a position passes it on if its LUT is one, so two pairs of bits cost a LUT, and joining them
    nothing.
    """
    pairs = [*zip(first, [None] * len(first) if second is None else second)]
    if Platform.of(platform).fabric != "ecp5":
        return [(first ^ (0 if second is None else second)).any()]
    # At the first position one pair of wires, at the last none, at the others two.
    in_first, in_each = (1, 2) if second is not None else (2, 4)
    most = in_first + in_each * (LONGEST - 2)
    parts = -(-len(pairs) // most)
    each = -(-len(pairs) // parts)
    return [_chain(m, f"{name}_{part}", pairs[part * each:(part + 1) * each], in_first, in_each)
            for part in range(parts)]


def _chain(m, name, pairs, in_first, in_each):
    """Whether any of the pairs differs. Source: Lattice FPGA-TN-02228, slice in ripple mode."""
    positions = [(FIRST_EQUAL, "NO", [*_pins(pairs[:in_first], 2, Const(0)), ONE, ONE])]
    for index in range(in_first, len(pairs), in_each):
        table = BOTH_EQUAL if in_each == 2 else ALL_LOW
        positions.append((table, "YES", _pins(pairs[index:index + in_each], 4, Const(0))))
    if len(positions) % 2 == 0:
        # Passes the carry on.
        positions.append((0xffff, "YES", [ONE] * 4))
    # The complement of the carry.
    positions.append((0xffff, "NO", [ONE] * 4))
    carry = None
    for index in range(0, len(positions), 2):
        cell = f"{name}_cell{index // 2}"
        out = Signal(name=f"{cell}_out")
        ports = {} if carry is None else {"i_CIN": carry}
        carry = Signal(name=f"{cell}_carry")
        ports |= {"o_COUT": carry} if index + 2 < len(positions) else {"o_S1": out}
        for half, (table, inject, pins) in enumerate(positions[index:index + 2]):
            ports |= {f"p_INJECT1_{half}": inject, f"p_INIT{half}": Const(table, 16)}
            ports |= {f"i_{pin}{half}": value for pin, value in zip("ABCD", pins)}
        m.submodules[cell] = Instance("CCU2C", **ports)
    return out


def _pins(pairs, count, filler):
    """Pins of a position, of which those that are left over are equal, and low."""
    wires = [wire for pair in pairs for wire in pair if wire is not None]
    return wires + [filler] * (count - len(wires))
