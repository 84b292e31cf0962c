"""Registers without more around them."""

from contextlib import nullcontext

from amaranth.hdl import Signal, Value


def registered(m, name, value, *, enable=None, **more):
    """A value of any shape a cycle ago, or a cycle of ``enable``.

    The register has no reset unless ``more``, of `Signal`, says otherwise.
    """
    value = Value.cast(value)
    register = Signal(value.shape(), **{"name": name, "reset_less": True} | more)
    with nullcontext() if enable is None else m.If(enable):
        m.d.sync += register.eq(value)
    return register


def all_registered(m, name, values, cycles=1, *, enable=None, reset=()):
    """Values by key, each so many cycles ago, or cycles of ``enable``; a reset clears those of the keys ``reset``."""
    for cycle in range(cycles):
        values = {key: registered(m, f"{name}_{key}_{cycle}", value, enable=enable, reset_less=key not in reset)
                  for key, value in values.items()}
    return values
