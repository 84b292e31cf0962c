"""The longest path of a netlist by OpenSTA, without wires."""

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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "netlist.v").write_text(netlist.verilog(), encoding="utf-8")
    script = SCRIPT.format(liberty=liberty, top=netlist.top, period=PERIOD, slew=slew)
    (folder / "sta.tcl").write_text(script, encoding="utf-8")
    done = subprocess.run(["sta", "-exit", "sta.tcl"], cwd=folder, capture_output=True, text=True, check=False)
    (folder / "sta.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    return PERIOD - float(re.search(r"([\d.]+)\s+slack", done.stdout)[1])
