"""Selection of one of several words, and rotation, as expressions or with the wide multiplexers of a fabric."""

from amaranth.hdl import Cat, Const, Instance, Mux, Signal

from .emitter import Platform

# A LUT4 as multiplexer: B if C is high, else A; D is high.
TABLE = sum((index >> (index >> 2 & 1) & 1) << index for index in range(16))


def choose(values, index):
    """One of the values, by a tree of 2:1 multiplexers."""
    if len(values) == 1:
        return values[0]
    pairs = [Mux(index[0], *reversed(values[n:n + 2])) if n + 1 < len(values) else values[n]
             for n in range(0, len(values), 2)]
    return choose(pairs, index[1:])


def instantiate_choice(m, platform, name, values, index):
    """One of the values, all of one width, as a word.

    On ECP5 a 4:1 multiplexer is two LUTs and a PFUMX for each bit, and 8:1 and 16:1 use the multiplexers after those,
    which cost nothing; Yosys does not infer them from an expression. For an index beyond the values the result is
    undefined.
    """
    if Platform.of(platform).fabric != "ecp5" or len(values) < 3:
        return choose(values, index)
    width, max_bits = len(values[0]), len(JOINTS)
    # A multiplexer of the last kind joins two of its own kind, so there are never three fours left over.
    padded = -(-len(values) // 4)
    padded += padded % 4 == 3
    words = [*values, *[values[-1]] * (4 * padded - len(values))]
    bits = [_levels(m, f"{name}_{bit}", [word[bit] for word in words], index[:max_bits]) for bit in range(width)]
    return choose([Cat(column) for column in zip(*bits)], index[max_bits:])


def instantiate_rotation(m, platform, name, value, width, amount):
    """A word of which parts of ``width`` bits are each so many places up; those at the end come to the beginning.

    There is a stage for two bits of the amount, so that the size grows with their number, not with that of the parts. A
    word has as many parts as the amount has values.
    """
    for first in range(0, len(amount), 2):
        stage = Signal(len(value), name=f"{name}_{first}")
        digit = amount[first:first + 2]
        steps = (width * (times << first) for times in range(1 << len(digit)))
        turned = [Cat(value[len(value) - step:], value[:len(value) - step]) for step in steps]
        m.d.comb += stage.eq(instantiate_choice(m, platform, f"{name}_{first}", turned, digit))
        value = stage
    return value


# Cell and pins for each bit of the index, the lowest first.
JOINTS = (("LUT4", "A", "B", "C"), ("PFUMX", "BLUT", "ALUT", "C0"), ("L6MUX21", "D0", "D1", "SD"),
          ("L6MUX21", "D0", "D1", "SD"))


def _levels(m, name, bits, index):
    """Outputs of a tree of multiplexer cells. Source: Lattice FPGA-TN-02228, multiplexers of slices."""
    for level, (kind, low, high, select) in enumerate(JOINTS[:len(index)]):
        rest = []
        for number in range(0, len(bits), 2):
            if number + 1 == len(bits):
                rest.append(bits[number])
                continue
            first, second = bits[number:number + 2]
            out = Signal(name=f"{name}_{level}_{number // 2}")
            ports = {f"i_{low}": first, f"i_{high}": second, f"i_{select}": index[level], "o_Z": out}
            if kind == "LUT4":
                ports |= {"p_INIT": Const(TABLE, 16), "i_D": Const(1)}
            m.submodules[f"{out.name}_cell"] = Instance(kind, **ports)
            rest.append(out)
        bits = rest
    return bits
