"""Pipelined adder levels: a register after each, so that every adder is one carry chain of the fabric."""

from dataclasses import dataclass, replace

from amaranth.hdl import Signal, Value, signed, unsigned

from ..config.widths import signed_width
from ..fabric.adder import Addition, Carry, Operand, add


@dataclass(frozen=True)
class Node:
    """A partial sum on its way through the levels.

    Parameters
    ----------
    value : Value
        Signed or unsigned.
    low, high : int
        Range of the gated value.
    gate, bit : str, Value
        Gate that the next adder applies to it; see `adder.Operand`.
    carries : tuple of Carry
        Bits of weight one that are still to be added.
    """

    value: Value
    low: int
    high: int
    gate: str = "and"
    bit: Value = None
    carries: tuple = ()

    @property
    def operand(self):
        """As an operand."""
        return Operand(self.value, self.gate, self.bit)


class Delays:
    """Pipeline registers of bits that several columns use; each bit is delayed once."""

    def __init__(self, m, enable):
        self._m = m
        self._enable = enable
        self._registers = {}

    def register(self, name, value, shape=None):
        """A value one pipeline step ago."""
        register = Signal(len(value) if shape is None else shape, name=name, reset_less=True)
        with self._m.If(self._enable):
            self._m.d.sync += register.eq(value)
        return register

    def after(self, bit):
        """A bit one pipeline step ago; the same register every time."""
        if bit is None:
            return None
        if id(bit) not in self._registers:
            # Keep the bit too, so that its id is not reused.
            self._registers[id(bit)] = bit, self.register(f"late_{len(self._registers)}", bit)
        return self._registers[id(bit)][1]

    def carry_after(self, carry):
        """A carry one pipeline step ago."""
        return Carry(carry.function, self.after(carry.a), carry.b if carry.is_static else self.after(carry.b),
                     carry.is_static)


def sum_level(m, platform, delays, name, columns):
    """One level of adders for pairs of neighboring nodes of each column, and their registers.

    Parameters
    ----------
    m, platform : Module, object
    delays : Delays
    name : str
        Prefix of the registers.
    columns : list of list of Node

    Returns
    -------
    list of list of Node
        Half as many in each column; a last node without a partner is only registered.
    """
    pairs = [(column, *nodes[index:index + 2]) for column, nodes in enumerate(columns)
             for index in range(0, len(nodes) - 1, 2)]
    sums = [_sum_of(first, second) for _, first, second in pairs]
    additions = [Addition(first.operand, second.operand, width, carry)
                 for (_, first, second), (_, width, carry) in zip(pairs, sums)]
    results = [[] for _ in columns]
    for (column, *_), value, (node, width, _) in zip(pairs, add(m, platform, name, additions), sums):
        shape = signed(width) if node.low < 0 else unsigned(width)
        results[column].append(_registered(delays, f"{name}_{column}_{len(results[column])}", node, value, shape))
    for column, nodes in enumerate(columns):
        if len(nodes) % 2:
            results[column].append(_registered(delays, f"{name}_{column}_{len(results[column])}", nodes[-1],
                                               nodes[-1].value, nodes[-1].value.shape()))
    return results


def _registered(delays, name, node, value, shape):
    """A node, given its value, one pipeline step later."""
    return replace(node, value=delays.register(name, value, shape), bit=delays.after(node.bit),
                   carries=tuple(map(delays.carry_after, node.carries)))


def _sum_of(first, second):
    """The node of a sum, without its value; its width; and the carry that its adder adds."""
    carries = first.carries + second.carries
    low, high = first.low + second.low, first.high + second.high + bool(carries)
    width = signed_width(low, high) if low < 0 else high.bit_length()
    return Node(None, low, high, carries=carries[1:]), width, carries[0] if carries else None
