"""Additions of two gated words, as expressions or in the carry cells of a fabric."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Instance, Mux, Signal, Value

from .emitter import Platform

# Maximum positions of a carry chain that two additions share: timing analysis treats it as one carry, so it should not
# be longer than that of an accumulator.
LONGEST = 24

# Gates for the bits of a word; work on bits and on words.
GATES = {"and": lambda word, bit: word & bit, "xor": lambda word, bit: word ^ bit}


@dataclass(frozen=True)
class Operand:
    """One word of an addition.

    Parameters
    ----------
    word : Value
        Sign-extended if its shape is signed.
    gate : str
        Function of each bit of the word and ``bit``: ``"and"``, ``"xor"``, or ``"select"``: the word if ``bit`` is one,
        else ``other``.
    bit : Value
        One bit; None is a constant one.
    other : Value
        For ``"select"``, of the word's shape.
    """

    word: Value
    gate: str = "and"
    bit: Value = None
    other: Value = None

    def expression(self):
        """The gated word."""
        if self.bit is None:
            return self.word
        if self.gate == "xor":
            return flipped(self.word, self.bit)
        return Mux(self.bit, self.word, 0 if self.gate == "and" else self.other)


@dataclass(frozen=True)
class Carry:
    """A carry into an addition: a function of up to two bits; ``b`` may be static, that is, not pipelined."""

    function: object
    a: Value
    b: Value = None
    is_static: bool = False

    def expression(self):
        """The carry as one bit."""
        return (self.function(self.a, Const(1) if self.b is None else self.b))[0]


@dataclass(frozen=True)
class Addition:
    """Lowest ``width`` bits of ``first + second + carry``; ``~first`` if ``inverts``.

    Only one of the operands may select.
    """

    first: Operand
    second: Operand
    width: int
    carry: Carry = None
    inverts: bool = False

    @property
    def is_plain(self):
        """No gates, no carry."""
        return self.carry is None and self.first.bit is None and self.second.bit is None and not self.inverts

    def expression(self):
        """As one word."""
        first = self.first.expression()
        if self.inverts:
            first = flipped(first, Const(1))
        total = first + self.second.expression()
        return (total if self.carry is None else total + self.carry.expression())[:self.width]


def flipped(word, bit):
    """A word, complemented if the bit is one; of the word's shape."""
    value = (word ^ bit.replicate(len(word)))[:len(word)]
    return value.as_signed() if word.shape().signed else value


def add(m, platform, name, additions):
    """The results of some additions, unsigned words of their widths.

    On ECP5 every addition is a chain of carry cells that include its gates, one LUT for each bit and one for the
    carry-in; elsewhere an expression. A cell is two positions of a chain. So that chains of odd length waste none, the
    lowest bit of a plain addition gets its own LUT, and other chains share a cell.
    """
    if Platform.of(platform).fabric != "ecp5":
        return [addition.expression() for addition in additions]
    sums, chains = {}, {}
    for index, addition in enumerate(additions):
        apart = addition.is_plain and addition.width % 2 == 0
        sums[index] = [addition.first.word[0] ^ addition.second.word[0]] if apart else []
        chains[index] = _positions(addition, int(apart))
    odd = [index for index, chain in chains.items() if len(chain) % 2 and 2 * len(chain) <= LONGEST]
    pairs = [odd[index:index + 2] for index in range(0, len(odd), 2)]
    for group in pairs + [[index] for index in chains if index not in odd]:
        bits = _chain(m, f"{name}_{group[0]}", [position for index in group for position in chains[index]])
        for index in group:
            # Each chain ignores the carry of the one before.
            sums[index], bits = sums[index] + bits[1:len(chains[index])], bits[len(chains[index]):]
    return [Cat(sums[index]) for index in chains]


def _table(function):
    """Contents of a LUT4 whose input A is the lowest address bit."""
    return sum((function(*(index >> pin & 1 for pin in range(4))) & 1) << index for index in range(16))


def _positions(addition, lowest):
    """Halves of carry cells for each bit from the lowest: table and pins A to D; preceded by one for the carry-in.

    A half outputs ``LUT4(A, B, C, D) ^ carry`` and propagates the carry if that LUT4 is one, otherwise its own value at
    C = D = 0. With ``first`` on A and B and ``second`` on C and D, it is one bit of an adder.
    """
    first, second = addition.first, addition.second

    def propagate(a, b, c, d):
        one = (a if first.bit is None else GATES[first.gate](a, b)) ^ addition.inverts
        return one ^ ((c if b else d) if second.gate == "select" else GATES[second.gate](c, d))

    one = Const(1)
    if first.gate == "xor":
        assert first.bit is not None and second.gate != "select"
    table = _table(propagate)
    carry = Carry(lambda a, b: a & b, first.word[0], second.word[0]) if lowest else addition.carry
    positions = [_start(carry)]
    for bit in range(lowest, addition.width):
        pins = [_extended(first.word, bit), one if first.bit is None else first.bit, _extended(second.word, bit),
                one if second.bit is None else second.bit]
        if second.gate == "select":
            pins[1], pins[3] = second.bit, _extended(second.other, bit)
        positions.append((table, pins))
    return positions


def _start(carry):
    """The position that ignores the carry before it and generates a new one."""
    one = Const(1)
    if carry is None:
        return 0, [one] * 4
    b = one if carry.b is None else carry.b
    # C and D are high, so that the LUT4 is zero; A and B select the generated carry.
    return _table(lambda a, b, c, d: carry.function(a, b) & 1 if not (c or d) else 0), [carry.a, b, one, one]


def _extended(word, bit):
    if bit < len(word):
        return word[bit]
    return word[-1] if word.shape().signed else Const(0)


def _chain(m, name, positions):
    """The sum bits of a chain of ECP5 carry cells. Source: Lattice FPGA-TN-02228, slice in ripple mode."""
    if len(positions) % 2:
        positions = [*positions, (0, [Const(1)] * 4)]
    bits, carry = [], None
    for index in range(0, len(positions), 2):
        cell = f"{name}_cell{index // 2}"
        sums = [Signal(name=f"{name}_s{index + half}") for half in range(2)]
        ports = {"p_INJECT1_0": "NO", "p_INJECT1_1": "NO"}
        if carry is not None:
            ports["i_CIN"] = carry
        if index + 2 < len(positions):
            carry = Signal(name=f"{cell}_carry")
            ports["o_COUT"] = carry
        for half, (table, pins) in enumerate(positions[index:index + 2]):
            ports[f"p_INIT{half}"] = Const(table, 16)
            ports |= {f"i_{pin}{half}": value for pin, value in zip("ABCD", pins)}
            ports[f"o_S{half}"] = sums[half]
        m.submodules[cell] = Instance("CCU2C", **ports)
        bits += sums
    return bits
