"""What macros are explored for: an FPGA, or a library of standard cells."""

from dataclasses import dataclass
from pathlib import Path

from .cost import cell_parts, errors, fit, parts, path_parts, read_points
from .measure import MEASURED, measure
from .measure_cells import measure_cells, require_cells
from .space import CELL_CHOICES, CHOICES, DRAWN_CELL_PRODUCTS, DRAWN_PRODUCTS

# What is measured, in words.
WORDS = {"lut_sites": "LUT sites", "area_um2": "um2 of cells", "pj_per_cycle": "pJ per cycle",
         "period_ns": "ns per cycle"}


@dataclass(frozen=True)
class Target:
    """What macros cost, where.

    Attributes
    ----------
    name : str
    metrics : dict of str to str
        What a point has of each objective that is predicted; of ``energy`` and ``time`` that of one cycle.
    units : dict of str to str
        What predictions of these objectives are of; of energy and time that of an inference.
    points : Path
        Measured macros, and the command that measured them.
    parts : dict of str to function
        For each of these objectives, gives how much of each part a macro has.
    measure : function
        Measures a macro.
    require : function
        Refuses to begin if something for that is missing.
    choices : dict
        What is searched.
    products : int
        Rows times columns at most of a macro that is drawn.
    colored : str
        Parameter that a picture tells apart.
    """

    name: str
    metrics: dict
    units: dict
    points: Path
    parts: dict
    measure: object
    require: object
    choices: dict
    products: int
    colored: str

    def fits(self):
        """A `Fit` to the measured points for each objective."""
        points = read_points(self.points)
        return {name: fit(points, metric, self.parts[name]) for name, metric in self.metrics.items()}

    def errors(self, points):
        """The relative error of each point that a fit has not seen, for each objective."""
        return {name: errors(points, metric, self.parts[name]) for name, metric in self.metrics.items()}


FOLDER = Path(__file__).parent
TARGETS = {target.name: target for target in (
    Target("ecp5", {"area": MEASURED[0]}, {"area": "LUT sites of ECP5"}, FOLDER / "points.json", {"area": parts},
           measure, lambda: None, CHOICES, DRAWN_PRODUCTS, "column"),
    Target("liberty", {"area": "area_um2", "energy": "pj_per_cycle", "time": "period_ns"},
           {"area": "um2 of cells of osu018", "energy": "pJ of an inference", "time": "ns of an inference"},
           FOLDER / "points_osu018.json", {"area": cell_parts, "energy": cell_parts, "time": path_parts},
           measure_cells, require_cells, CELL_CHOICES, DRAWN_CELL_PRODUCTS, "tree"))}
