"""Liberty of a macro: area, ports, timing and energy, as one cell."""

from ..delay import EDGES

HEAD = """/* {comment} */
library ({name}) {{
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW"; capacitive_load_unit (1,pf);
{thresholds}
  nom_process : {process:g}; nom_voltage : {voltage:g}; nom_temperature : {temperature:g};
  operating_conditions ({corner}) {{ process : {process:g}; voltage : {voltage:g}; temperature : {temperature:g}; }}
  default_operating_conditions : {corner};
  lu_table_template (launch) {{
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("{slews}"); index_2 ("{loads}");
  }}
  lu_table_template (early) {{ variable_1 : total_output_net_capacitance; index_1 ("{loads}"); }}
  lu_table_template (check) {{
    variable_1 : constrained_pin_transition; variable_2 : related_pin_transition;
    index_1 ("{slews}"); index_2 ("{slews}");
  }}
"""
# What liberty takes thresholds for where a library does not say them; some tools want them said.
THRESHOLDS = {f"{kind}_threshold_pct_{edge}": percent for edge in EDGES for kind, percent in (
    ("input", 50), ("output", 50), ("slew_lower", 20), ("slew_upper", 80))}


class LibertyView:
    """The text of a macro's liberty.

    Parameters
    ----------
    name : str
        Of the cell, and of the library.
    library : Library
        Of the cells that the macro is made of; the thresholds of delays and slews are the same.
    boundary : Boundary
    area : float
        um2 that the macro takes.
    leakage : float
        nW.
    energy : float
        pJ per cycle of the clock, without leakage, and without what charges the pins of ports, which their
        capacitances tell.
    comment : str
    is_early : bool
        Outputs come at the earliest instead of the latest, for the analysis of hold times.
    """

    def __init__(self, name, library, boundary, *, area, leakage, energy, comment, is_early=False):
        self.name, self.library, self.boundary = name, library, boundary
        self.area, self.leakage, self.energy, self.comment, self._is_early = area, leakage, energy, comment, is_early

    def text(self):
        """The file."""
        library, boundary = self.library, self.boundary
        head = HEAD.format(
            comment=self.comment, name=self.name + '_early' * self._is_early,
            process=library.process, voltage=library.voltage,
            temperature=library.temperature, corner=library.corner, slews=_numbers(boundary.slews),
            loads=_numbers(boundary.loads),
            thresholds="\n".join(f"  {name} : {value};" for name, value in (THRESHOLDS | library.thresholds).items()))
        widths = sorted({port.width for port in boundary.ports if port.width > 1})
        types = "".join(f"  type (bus_{width}) {{ base_type : array; data_type : bit; bit_width : {width}; bit_from : "
                        f"{width - 1}; bit_to : 0; downto : true; }}\n" for width in widths)
        cell = (f"  cell ({self.name}) {{\n    is_macro_cell : true; interface_timing : true; dont_use : true; "
                f"dont_touch : true;\n    area : {self.area:.3f}; cell_leakage_power : {self.leakage:.6g};\n")
        return f"{head}{types}{cell}{self._clock()}{''.join(map(self._port, boundary.ports))}  }}\n}}\n"

    def _clock(self):
        # Half with each edge, as nothing tells which of them takes how much.
        half = f'(scalar) {{ values ("{self.energy / 2:.6g}"); }}'
        return (f"    pin ({self.boundary.clock}) {{\n      direction : input; clock : true; capacitance : "
                f"{self.boundary.clock_capacitance:.6f};\n      min_period : {self.boundary.min_period:.6f};\n"
                f"      max_transition : {self.boundary.slews[-1]:.6f};\n"
                f"      internal_power () {{ rise_power {half} fall_power {half} }}\n    }}\n")

    def _port(self, port):
        kind, bus = ("bus", f"bus_type : bus_{port.width}; ") if port.width > 1 else ("pin", "")
        lines = [f"    {kind} ({port.name}) {{\n      {bus}direction : {'input' if port.is_input else 'output'}; "]
        if port.is_input:
            lines.append(f"max_transition : {self.boundary.slews[-1]:.6f};\n")
            lines += _capacitances(port)
            lines += [_timing(self.boundary.clock, f"{name}_rising",
                              {f"{edge}_constraint (check)": values for edge, values in checks.items()})
                      for name, checks in (("setup", port.setup), ("hold", port.hold)) if checks]
        else:
            lines.append(f"max_capacitance : {port.max_load:.6f};\n")
            template, launches = ("early", port.early) if self._is_early else ("launch", port.late)
            lines += [_timing(source, "rising_edge" if source == self.boundary.clock else "combinational",
                              _launch_tables(template, launch)) for source, launch in launches.items()]
        return "".join([*lines, "    }\n"])


def _capacitances(port):
    """Of each bit, as they differ."""
    if port.width == 1:
        return [f"      capacitance : {port.capacitances[0]:.6f};\n"]
    return [f"      capacitance : {max(port.capacitances):.6f};\n",
            *(f"      pin ({port.name}[{index}]) {{ capacitance : {value:.6f}; }}\n"
              for index, value in enumerate(port.capacitances))]


def _launch_tables(template, launch):
    return {f"{name} ({template})": tables[edge] for edge in EDGES if edge in launch.delays
            for name, tables in ((f"cell_{edge}", launch.delays), (f"{edge}_transition", launch.slews))}


def _timing(related, kind, tables):
    body = "".join(f"        {name} {{ values ({', '.join(map(_quoted, rows))}); }}\n" for name, rows in tables.items())
    sense = " timing_sense : non_unate;" if kind in ("combinational", "rising_edge") else ""
    return f'      timing () {{ related_pin : "{related}"; timing_type : {kind};{sense}\n{body}      }}\n'


def _quoted(row):
    return f'"{_numbers(row)}"'


def _numbers(values):
    return ", ".join(f"{value:.6f}" for value in values)
