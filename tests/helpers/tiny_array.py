"""A liberty file of an invented array of bitcells, of the voltage and units of `tiny_liberty`."""

from tiny_liberty import HEAD, check, energy, timing


def port(name, width, direction, body):
    """A pin, or a bus of so many bits."""
    kind, bus = ("bus", f"bus_type : bits_{width}; ") if width > 1 else ("pin", "")
    return f"{kind} ({name}) {{ {bus}direction : {direction};\n{body}}}\n"


def tiny_array(rows=4, weight_bits=3, banks=1, name="ARRAY", drive=2.0):
    """The text: one cell, as ``--bitcell array`` takes it for a macro of these rows, bits and banks."""
    bank = (banks - 1).bit_length()
    inputs = {"wordline": rows, "write_bank": bank, "write_weight": weight_bits, "bank": bank}
    types = "".join(f"type (bits_{width}) {{ bit_width : {width}; bit_from : {width - 1}; bit_to : 0; }}\n"
                    for width in sorted({*inputs.values(), rows * weight_bits}) if width > 1)
    need = check("setup_rising", ("0.02, 0.03", "0.02, 0.03")).replace('"CK"', '"clk"')
    text = f"pin (clk) {{ direction : input; clock : true; capacitance : 0.004; {energy(0.002)}}}\n"
    for pin, width in inputs.items():
        if width:
            # The bank chooses without a clock.
            text += port(pin, width, "input", "capacitance : 0.002;\n" + need * (pin != "bank"))
    arcs = timing("clk", drive, "timing_type : rising_edge;") + energy(0.003, "clk")
    if bank:
        arcs += timing("bank", drive, "timing_sense : non_unate;") + energy(0.003, "bank")
    text += port("weights", rows * weight_bits, "output", arcs)
    area = 2 * rows * weight_bits * banks
    cell = f"cell ({name}) {{ area : {area}; cell_leakage_power : 1;\n{text}}}\n"
    return f"{HEAD.format(load='pf', low=0.01, high=0.1)}{types}{cell}}}\n"
