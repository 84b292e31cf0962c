"""The least that a macro can take: full adders for what it adds, and cells for the bits that it must keep."""

from .energy import of_clock
from .loads import fan_out_slew


def bound(config, figures, roles, voltage, bitcell):
    """What full adders and storage alone take, and how many times that the macro takes.

    A full adder makes two bits of three, and nothing else makes fewer of them. The products of a vector with ``p``
    planes are ``rows * weight_bits * p`` bits in each column, and its result has ``accumulator_width``: all others must
    go, each in a full adder. Each takes what those of the macro's trees take in the mean, pulses included and wires
    not. The accumulators are clocked once a plane, and the bits of the inputs once a vector.

    Parameters
    ----------
    config : MacroConfig
    figures : dict
        Of the macro, with its ``activity``.
    roles : Roles
    voltage : float
        V.
    bitcell : str
        Of ``array`` the area is what it is; other bits are in the smallest cells of the library that keep one.

    Returns
    -------
    dict or None
        pJ per MAC, um2, and the ratios; None if the trees have no cells for full adders.
    """
    adders = figures["full_adders"]
    if not adders["cells"]:
        return None
    rows, columns, bits, width = config.rows, config.columns, config.weight_bits, config.accumulator_width
    planes = figures["activity"]["planes_per_vector"]
    per_vector = rows * columns * figures["activity"]["cells_in_use"]
    fewest = columns * (rows * bits * planes - width)
    clocked = columns * width * planes + rows * config.input_bits
    slew, _ = fan_out_slew(roles)
    energy = {"full_adders": adders["pj_per_mac"] * fewest / (adders["cells"] * planes),
              "clock": clocked * of_clock(roles.flip_flop, slew, voltage) / per_vector}
    stored = columns * rows * bits * config.banks * min(cell.area for cell in (roles.flip_flop, roles.latch) if cell)
    bitcells = figures["area"]["bitcells"]["um2"] if bitcell == "array" else stored
    area = {"full_adders": rows * columns * bits * roles.full_adder.cell.area, "bitcells": bitcells,
            "registers": (columns * width + rows * config.input_bits) * roles.flip_flop.area}
    least, um2 = sum(energy.values()), sum(area.values())
    return {"full_adders_per_mac": fewest / per_vector, "clocked_bits_per_mac": clocked / per_vector,
            "pj_per_mac": least, "pj_per_mac_by_kind": energy, "um2": um2, "um2_by_kind": area,
            "energy_over_bound": figures["pj_per_mac"] / least, "area_over_bound": figures["area_um2"] / um2}
