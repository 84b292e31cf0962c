"""Registers without more around them."""

from amaranth.hdl import Signal, Value


def registered(m, name, value, **more):
    """A value of any shape a cycle ago, in a register without reset unless ``more``, of `Signal`, says otherwise."""
    value = Value.cast(value)
    register = Signal(value.shape(), **{"name": name, "reset_less": True} | more)
    m.d.sync += register.eq(value)
    return register
