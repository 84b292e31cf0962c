"""Constraints (SDC) of a macro, as those that it was measured with."""

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


def constraints(netlist, clock, period, slew, comment):
    """The text; ``period`` and ``slew``, of inputs and the clock, in ns."""
    names = {is_input: " ".join(f"{name}[*]" if len(nets) > 1 else name
                                for name, (found, nets) in netlist.ports.items() if found == is_input and name != clock)
             for is_input in (True, False)}
    return SDC.format(comment=comment, clock=clock, period=period, slew=slew, inputs=names[True], outputs=names[False])
