"""A liberty file of a few invented cells, with linear delays and energies."""

# Name, area, inputs by capacitance in fF, outputs by function.
GATES = (
    ("INV", 1, {"A": 1}, {"Y": "!A"}),
    ("BUF", 2, {"A": 1}, {"Y": "A"}),
    ("BUF4", 4, {"A": 4}, {"Y": "A"}),
    ("NAND2", 2, {"A": 1, "B": 1}, {"Y": "!(A B)"}),
    ("NOR2", 2, {"A": 1, "B": 1}, {"Y": "(A+B)'"}),
    ("AOI21", 3, {"A": 1, "B": 1, "C": 1}, {"Y": "!((A*B)+C)"}),
    ("XOR2", 4, {"A": 2, "B": 2}, {"Y": "A^B"}),
    ("MUX2", 4, {"A": 1, "B": 1, "S": 2}, {"Y": "(S & B) | (!S & A)"}),
)
ADDERS = (
    ("FA", 9, {"A": 2, "B": 2, "CI": 2}, {"S": "A^B^CI", "CO": "(A B)+(CI (A+B))"}),
    ("HA", 6, {"A": 2, "B": 2}, {"S": "A^B", "CO": "A B"}),
)
INVERTED_ADDERS = (
    ("FA", 9, {"A": 2, "B": 2, "CI": 2}, {"SN": "!(A^B^CI)", "CON": "!((A B)+(CI (A+B)))"}),
    ("HA", 6, {"A": 2, "B": 2}, {"SN": "!(A^B)", "CON": "!(A B)"}),
)

HEAD = """/* invented cells */
library (tiny) {{
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1,{load});
  nom_voltage : 1.0; nom_temperature : 25;
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 10; slew_lower_threshold_pct_fall : 10;
  slew_upper_threshold_pct_rise : 90; slew_upper_threshold_pct_fall : 90;
  operating_conditions (typical) {{ voltage : 1.0; temperature : 25; }}
  default_operating_conditions : typical;
  lu_table_template (delays) {{
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0.01, 0.1"); index_2 ("{low}, {high}");
  }}
  power_lut_template (energies) {{
    variable_1 : input_transition_time; index_1 ("0.01, 0.1");
  }}
  lu_table_template (constraints) {{
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("0.01, 0.1"); index_2 ("0.01, 0.1");
  }}
"""


def table(kind, base, drive):
    """A delay or slew, ns, of 0.01 and 0.1 ns of slew and of two loads."""
    rows = [", ".join(f"{base * (1 + slew) + load / drive:.6f}" for load in (0.01, 0.1)) for slew in (0.0, 0.5)]
    return f'{kind} (delays) {{ values ("{rows[0]}", "{rows[1]}"); }}\n'


def timing(related, drive, more=""):
    """How an output follows a pin."""
    tables = "".join(table(kind, base, drive) for kind, base in (
        ("cell_rise", 0.02), ("cell_fall", 0.03), ("rise_transition", 0.015), ("fall_transition", 0.02)))
    return f'timing () {{ related_pin : "{related}"; {more}\n{tables}}}\n'


def energy(picojoules, related=""):
    """What is spent inside with each change."""
    pins = f'related_pin : "{related}"; ' if related else ""
    edges = "".join(f'{edge}_power (energies) {{ values ("{picojoules}, {picojoules}"); }} '
                    for edge in ("rise", "fall"))
    return f"internal_power () {{ {pins}{edges}}}\n"


def unit(femto, load):
    """A capacitance in the file's unit."""
    return femto * 1e-3 if load == "pf" else femto


def gate(name, area, inputs, outputs, load):
    """A cell without memory."""
    drive = 8.0 if name == "BUF4" else 2.0
    text = f"cell ({name}) {{ area : {area}; cell_leakage_power : 0.5;\n"
    for pin, femto in inputs.items():
        text += f"pin ({pin}) {{ direction : input; capacitance : {unit(femto, load)}; }}\n"
    for pin, function in outputs.items():
        arcs = "".join(timing(related, drive, "timing_sense : non_unate;") + energy(0.001, related)
                       for related in inputs)
        text += f'pin ({pin}) {{ direction : output; function : "{function}";\n{arcs}}}\n'
    return text + "}\n"


def check(kind, rows):
    """How long data must stand before or after the clock."""
    values = ", ".join(f'"{row}"' for row in rows)
    edges = "".join(f"{edge}_constraint (constraints) {{ values ({values}); }}\n" for edge in ("rise", "fall"))
    return f'timing () {{ related_pin : "CK"; timing_type : {kind};\n{edges}}}\n'


def stored(name, area, kind, clock, data, edge, setup, load):
    """A flip-flop or a latch."""
    constraint = check(setup, ("0.02, 0.03", "0.02, 0.03"))
    if kind == "ff":
        constraint += check("hold_rising", ("0.005, 0.005", "0.005, 0.005"))
    arcs = timing("CK", 2.0, f"timing_type : {edge};") + (timing("D", 2.0) if kind == "latch" else "")
    return (f"cell ({name}) {{ area : {area}; cell_leakage_power : 1;\n"
            f'{kind} (IQ, IQN) {{ {clock} : "CK"; {data} : "D"; }}\n'
            f"pin (CK) {{ direction : input; clock : true; capacitance : {unit(1, load)}; {energy(0.002)}}}\n"
            f"pin (D) {{ direction : input; capacitance : {unit(1, load)};\n{constraint}}}\n"
            f'pin (Q) {{ direction : output; function : "IQ";\n{arcs}{energy(0.003, "CK")}}}\n}}\n')


def clock_gate(load):
    """A clock gate for rising edges."""
    pins = {"EN": "enable", "CK": "clock"}
    text = "cell (ICG) { area : 6; cell_leakage_power : 1; clock_gating_integrated_cell : latch_posedge;\n"
    for pin, kind in pins.items():
        text += f"pin ({pin}) {{ direction : input; capacitance : {unit(1, load)}; clock_gate_{kind}_pin : true; }}\n"
    return text + ("pin (GCK) { direction : output; clock_gate_out_pin : true; "
                   f'state_function : "CK * M"; {energy(0.002, "CK")}}}\n}}\n')


def tiny_liberty(adders=ADDERS, load="pf"):
    """The text: gates, adders, a flip-flop, a latch and a clock gate; the unit of capacitances may be fF."""
    low, high = (unit(femto, load) for femto in (10, 100))
    cells = [gate(*cell, load) for cell in (*GATES, *adders)]
    cells.append(stored("DFF", 8, "ff", "clocked_on", "next_state", "rising_edge", "setup_rising", load))
    cells.append(stored("LATCH", 5, "latch", "enable", "data_in", "rising_edge", "setup_falling", load))
    cells.append(clock_gate(load))
    return HEAD.format(load=load, low=low, high=high) + "".join(cells) + "}\n"
