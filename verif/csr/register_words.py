"""Expected values of registers after a reset and after writes."""

from ...hdl.csr.register_map import Access

ONES = (1 << 32) - 1
# Of two bits one may be a legal value without the other.
PATTERNS = (0, ONES, 0x55555555, 0xAAAAAAAA, *(1 << bit for bit in range(32)), *(ONES ^ 1 << bit for bit in range(32)),
            *(1 | 1 << bit for bit in range(32)))


def reset_word(register):
    """Value of a register after a reset."""
    return sum(field.reset << field.low for field in register.fields if field.access not in (Access.SINGLEPULSE,
                                                                                           Access.WO))


def legal(register, word):
    """Whether all RW fields of a word have values in their range."""
    return all(field.minimum <= (word & field.mask) >> field.low <= field.max_value for field in register.fields
               if field.access is Access.RW)


def after(register, before, data, mask=ONES):
    """Value of a register after a write of some bytes, without events."""
    word = before
    for field in register.fields:
        bits = field.mask & mask
        if field.access is Access.RW:
            word = word & ~bits | data & bits
        elif field.access is Access.W1C:
            word &= ~(data & bits)
        elif field.access is Access.W1S:
            word |= data & bits
    return word


def stored(bench):
    """Registers that store written values, the lock last; commands and data are not among them."""
    kinds = (Access.RW, Access.W1C, Access.W1S, Access.CONSTANT)
    chosen = [register for register in bench.registers.values()
              if all(field.access in kinds for field in register.fields)]
    return sorted(chosen, key=lambda register: register.name == "lock")
