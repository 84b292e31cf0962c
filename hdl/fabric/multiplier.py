"""Products of two narrow words, as expressions or in the multipliers of a fabric."""

from amaranth.hdl import ClockSignal, Const, Instance, Shape, Signal

from .emitter import Platform
from .register import registered

# Bits of a factor, and cycles from the factors to the product.
WIDTH = 18
CYCLES = 3
REGISTERS = ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")


def multiply(m, platform, name, a, b):
    """The product of two words of at most `WIDTH` bits each, signed or not, `CYCLES` cycles later.

    On ECP5 it is a MULT18X18D with all its registers, which Yosys does not use; elsewhere an expression between
    registers. The words are of unsigned registers, and signed by `as_signed`.
    """
    if Platform.of(platform).fabric == "ecp5":
        return _multiplier(m, name, a, b)
    first, second = (registered(m, f"{name}_{pin}", factor) for pin, factor in (("a", a), ("b", b)))
    return registered(m, name, registered(m, f"{name}_1", first * second))


def _multiplier(m, name, a, b):
    """One cell. Source: Lattice FPGA-TN-02205, MULT18X18D."""
    # Bits of signed wires at a cell make Yosys read the Verilog of the module again after it has mapped it.
    product = Signal(2 * WIDTH, name=name)
    ports = {f"o_P{bit}": product[bit] for bit in range(2 * WIDTH)}
    for port, factor in (("A", a), ("B", b)):
        is_signed = factor.shape().signed
        above = factor[-1] if is_signed else Const(0)
        ports |= {f"i_{port}{bit}": factor[bit] if bit < len(factor) else above for bit in range(WIDTH)}
        ports[f"i_SIGNED{port}"] = Const(is_signed, 1)
        ports[f"i_SOURCE{port}"] = Const(0)
    for register in REGISTERS:
        ports |= {f"p_REG_{register}_CLK": "CLK0", f"p_REG_{register}_CE": "CE0", f"p_REG_{register}_RST": "RST0"}
    m.submodules[f"{name}_cell"] = Instance("MULT18X18D", p_GSR="DISABLED", p_RESETMODE="SYNC", i_CLK0=ClockSignal(),
                                            i_CE0=Const(1), i_RST0=Const(0), **ports)
    shape = Shape.cast((a * b).shape())
    return product[:shape.width].as_signed() if shape.signed else product[:shape.width]
