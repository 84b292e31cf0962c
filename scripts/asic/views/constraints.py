"""Constraints (SDC) of a macro, as those that it was measured with."""

from itertools import groupby

SDC = """# {comment}
set_units -time ns -capacitance pF
create_clock -name {clock} -period {period:.3f} [get_ports {clock}]
set_clock_transition {slew:.6f} [get_clocks {clock}]
set_input_transition {slew:.6f} [get_ports {{{inputs}}}]
# Inputs come with the edge of the clock, outputs are due at the next one: what is around a macro has no share of the
# period, and needs some of it.
set_input_delay 0 -clock {clock} [get_ports {{{inputs}}}]
set_output_delay 0 -clock {clock} [get_ports {{{outputs}}}]
set_load 0 [get_ports {{{outputs}}}]
"""
# `bank_hold_cycles` of the macro makes it so.
LATCHES = """\
# A latch of a weight is open in the second half of a cycle in which its row is written. Writes wait until no vector
# uses the bank, and the next one meets its weights no sooner than a whole cycle later: what comes through an open
# latch is not used.
set_false_path -through [get_pins {{{pins}}}]
"""


def constraints(netlist, clock, period, slew, comment):
    """The text; ``period`` and ``slew``, of inputs and the clock, in ns."""
    latches = latch_pins(netlist)
    names = {is_input: " ".join(f"{name}[*]" if len(nets) > 1 else name
                                for name, (found, nets) in netlist.ports.items() if found == is_input and name != clock)
             for is_input in (True, False)}
    text = SDC.format(comment=comment, clock=clock, period=period, slew=slew, inputs=names[True], outputs=names[False])
    return text + LATCHES.format(pins=" ".join(latches)) * bool(latches)


def latch_pins(netlist):
    """Patterns of the outputs of latches that keep weights, those of clock gates left out; sorted."""
    def pattern(name):
        return "".join("*" if are_digits else "".join(letters) for are_digits, letters in groupby(name, str.isdigit))

    return sorted({f"{pattern(instance.name)}/{pin}" for instance in netlist.instances
                   if instance.cell.storage and instance.cell.storage.kind == "latch" and not instance.cell.clock_gate
                   for pin in instance.cell.outputs})
