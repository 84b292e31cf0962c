"""What depends on the format of a vector or of weights, which is known at run time if there are several."""

from amaranth.hdl import Cat, Const, Signal

from ...golden.formats.blocks import NUMBER_OF


def by_format(m, name, choice, number, value_of):
    """``value_of(format)`` of the format with a number: an integer, without gates, if it is the same of all.

    Parameters
    ----------
    m : Module
    name : str
        Of the signal.
    choice : FormatChoice
    number : Value
        Of a format that the choice has; of others the value is that of its last one.
    value_of : function
        Gives an integer that is not negative.
    """
    values = [value_of(each) for each in choice.formats]
    if len(set(values)) == 1:
        return values[0]
    chosen = Signal(range(max(values) + 1), name=name)
    with m.Switch(number):
        for each, value in zip(choice.names[:-1], values):
            with m.Case(NUMBER_OF[each]):
                m.d.comb += chosen.eq(value)
        with m.Default():
            m.d.comb += chosen.eq(values[-1])
    return chosen


def is_known(m, name, choice, number):
    """A signal of that name: whether the choice has a format of this number; a constant if it has only one."""
    if not choice.is_several:
        return Const(1)
    known = Signal(name=name)
    m.d.comb += known.eq(is_among(choice, number))
    return known


def is_among(choice, number):
    """Whether a choice, of one format or several, has one of this number."""
    return Cat(number == NUMBER_OF[each] for each in choice.names).any()
