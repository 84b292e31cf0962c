"""Paths of netlists, and of models of macros, by OpenSTA, without wires."""

import re
import subprocess

SCRIPT = """read_liberty {liberty}
read_verilog netlist.v
link_design {top}
create_clock -name clk -period {period} [get_ports clk]
set_clock_transition {slew:.9f} [get_clocks clk]
set_input_transition {slew:.9f} [all_inputs]
foreach port [all_inputs] {{
  if {{[get_property $port full_name] ne "clk"}} {{ set_input_delay 0 -clock clk $port }}
}}
set_output_delay 0 -clock clk [all_outputs]
report_checks -path_delay max -digits 6
exit
"""
# Longer than any path, so that one number tells how long it is.
PERIOD = 1000.0


def longest_path(netlist, liberty, slew, folder):
    """ns of the longest path, setup included.

    Parameters
    ----------
    netlist : Netlist
    liberty : Path
    slew : float
        ns, of inputs and of the clock.
    folder : Path
        Gets the files, and the log ``sta.log``.
    """
    script = SCRIPT.format(liberty=liberty, top=netlist.top, period=PERIOD, slew=slew)
    return PERIOD - _slacks(script, {"netlist.v": netlist.verilog()}, folder)[0]


def _slacks(script, files, folder):
    """What a script reports, of files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**files, "sta.tcl": script}.items():
        (folder / name).write_text(text, encoding="utf-8")
    done = subprocess.run(["sta", "-exit", "sta.tcl"], cwd=folder, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    (folder / "sta.log").write_text(log, encoding="utf-8")
    assert "Error" not in log and "Warning" not in log, log
    return [float(slack) for slack in re.findall(r"(-?[\d.]+)\s+slack", log)]


CONSTRAINED = """read_liberty {liberty}
read_verilog netlist.v
link_design {top}
read_sdc macro.sdc
report_checks -path_delay max -digits 6
exit
"""


def constrained_slack(netlist, liberty, sdc, folder):
    """ns of slack of a netlist with constraints."""
    files = {"netlist.v": netlist.verilog(), "macro.sdc": sdc}
    return min(_slacks(CONSTRAINED.format(liberty=liberty, top=netlist.top), files, folder))


TWO = """{read}
read_verilog two.v
link_design two
create_clock -name clk -period {period} [get_ports clk]
set_clock_transition {slew:.9f} [get_clocks clk]
set_input_transition {slew:.9f} [all_inputs]
set_output_delay 0 -clock clk [all_outputs]
{checks}
exit
"""
# Pins between the macros: results, that they are there, and that they are taken.
BETWEEN = ("first/o_y*", "first/o_valid", "second/i_ready")


def two_macros(netlist, models, slew, folder):
    """Slack, ns, of the worst path through each kind of pins between two macros, by kind of path and pins.

    Parameters
    ----------
    netlist : Netlist
    models : Path or (str, str)
        Liberty of the cells; or instead of the netlist a macro's own, of outputs at the latest and at the earliest.
    slew : float
    folder : Path
    """
    files = {"two.v": _two(netlist)}
    if isinstance(models, tuple):
        files |= dict(zip(("late.lib", "early.lib"), models))
        read = "read_liberty -max late.lib\nread_liberty -min early.lib"
    else:
        files["netlist.v"] = netlist.verilog()
        read = f"read_liberty {models}\nread_verilog netlist.v"
    wanted = [(kind, pins) for kind in ("max", "min") for pins in BETWEEN]
    checks = "\n".join(f"report_checks -path_delay {kind} -through [get_pins {pins}] -digits 6"
                       for kind, pins in wanted)
    slacks = _slacks(TWO.format(read=read, period=PERIOD, slew=slew, checks=checks), files, folder)
    return dict(zip(wanted, slacks, strict=True))


def _two(netlist):
    """Verilog of two macros, of which the second takes the results of the first as its vectors."""
    width = {name: len(nets) for name, (_, nets) in netlist.ports.items()}
    between = {"first": {"o_valid": "valid", "o_ready": "ready", "o_y": "y"},
               "second": {"i_valid": "valid", "i_ready": "ready",
                          "i_x": "{" + ", ".join(f"y[{bit % width['o_y']}]" for bit in range(width["i_x"])) + "}"}}
    ports, lines = [], [f"  wire valid, ready; wire [{width['o_y'] - 1}:0] y;"]
    for macro, joined in between.items():
        pins = dict(joined)
        for name, (is_input, _) in netlist.ports.items():
            if name not in pins:
                pins[name] = name if name == "clk" else f"{macro}_{name}"
                if pins[name] not in (port.split()[-1] for port in ports):
                    ports.append(f"{'input' if is_input else 'output'} [{width[name] - 1}:0] {pins[name]}".replace(
                        "[0:0] ", ""))
        lines.append(f"  {netlist.top} {macro} ({', '.join(f'.{pin}({net})' for pin, net in pins.items())});")
    return "\n".join([f"module two({', '.join(ports)});", *lines, "endmodule", ""])
