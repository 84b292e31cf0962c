"""Paths from inputs to outputs without a register between, which rules of streams and buses forbid."""

from ...hdl.emit import EmitError, run_yosys


def unregistered(design, clocked, allowed):
    """The first input on which an output depends in the same cycle, as a sentence; None if there is none.

    Parameters
    ----------
    design : Design
        Its first module is the whole.
    clocked : tuple of str
        Inputs that are left out: clock and reset.
    allowed : dict of str to tuple of str
        Outputs that may depend on an input, by the input.
    """
    top = next(iter(design.modules.values()))
    script = (f"read_verilog -sv <<EOT\n{design.text}\nEOT\nhierarchy -top {top.name}\nproc\nflatten\nmemory -nomap\n"
              "opt_clean\ndelete t:$*dff* t:$mem*\n")
    for port in top.ports.values():
        if port.direction == "input" and port.name not in clocked:
            removed = "".join(f" o:{output} %d" for output in allowed.get(port.name, ()))
            script += f"select -assert-none i:{port.name} %co* o:* %i{removed}\n"
    try:
        run_yosys(script)
    except EmitError as error:
        return f"{str(error).rpartition('/')[2]} depends on an input of the same cycle"
    return None
