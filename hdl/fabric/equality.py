"""Comparison of two words, as an expression or in the carry cells of a fabric."""

from amaranth.hdl import Const, Instance, Signal

from .emitter import Platform

# Tables of a LUT4 whose input A is the lowest address bit, for pairs and for single wires: for a carry out of A and B
# alone, if C and D are high (A = B; none is one), and for one that is passed on (A = B and C = D; none is one).
FIRST, OTHERS = {2: 0x0009, 1: 0x0001}, {2: 0x9009, 1: 0x0001}
ONE = Const(1)


def differ(m, platform, name, first, second=None):
    """Whether two words differ, or a word from zero; one bit.

    On ECP5 this is a chain of carry cells, whose carry is one as long as the bits are equal. Without the gate for a
    generated carry a position passes it on if its LUT is one, so two pairs of bits cost a LUT, and joining them
    nothing.
    """
    if Platform.of(platform).fabric != "ecp5":
        return (first if second is None else first ^ second).any()
    return _chain(m, name, [*zip(first)] if second is None else [*zip(first, second)])


def _chain(m, name, pairs):
    """Whether any of the pairs differs, or any of single wires is one.

    Source: Lattice FPGA-TN-02228, slice in ripple mode.
    """
    wires = [wire for pair in pairs for wire in pair]
    # The first position has two of the wires, the last one none, each of the others four; left-over pins are low.
    positions = [(FIRST[len(pairs[0])], "NO", [*_pins(wires[:2], 2), ONE, ONE])]
    positions += [(OTHERS[len(pairs[0])], "YES", _pins(wires[index:index + 4], 4))
                  for index in range(2, len(wires), 4)]
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


def _pins(wires, count):
    return wires + [Const(0)] * (count - len(wires))
