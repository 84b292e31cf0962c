"""GDS, the netlist of the layout and the check of design rules, by magic."""

from collections import defaultdict

from ..common.tools import FlowError, run_program

READ = """drc off
lef read {lef}
def read {name}.def
load {name}
select top cell
"""
WRITE = READ + """gds write {name}.gds
expand
extract all
ext2spice hierarchy on
ext2spice format ngspice
ext2spice scale off
ext2spice renumber off
ext2spice cthresh infinite
ext2spice rthresh infinite
ext2spice blackbox on
ext2spice subcircuit top auto
ext2spice global off
ext2spice
ext2spice cthresh 0
ext2spice -o {capacitances}
quit -noprompt
"""
CAPACITANCES = "capacitances.spice"
MARK = "bitline rule:"
TOTAL = "bitline places:"
END = "bitline rules end"
CHECK = READ + """expand
drc on
drc check
drc catchup
foreach {{why boxes}} [drc listall why] {{ puts "{mark} [llength $boxes] $why" }}
puts "{total} [drc list count total]"
puts "{end}"
quit -noprompt
"""


def _magic(script, technology, lef, name, folder, log, progress, seconds):
    path = folder / f"{log}.tcl"
    path.write_text(script.format(lef=lef, name=name, mark=MARK, total=TOTAL, end=END, capacitances=CAPACITANCES),
                    encoding="utf-8")
    run_program(["magic", "-dnull", "-noconsole", "-rcfile", technology, path.name], folder, f"{log}.log", progress,
                seconds)
    return (folder / f"{log}.log").read_text(encoding="utf-8")


def write_views(name, lef, technology, folder, progress=None, seconds=None):
    """Write ``NAME.gds`` and ``NAME.spice`` of ``NAME.def`` in a folder; returns `read_capacitances` of the layout.

    Parameters
    ----------
    name : str
    lef : Path
    technology : Path
        magic's startup file.
    folder : Path
    progress, seconds

    Raises
    ------
    FlowError
    TimeoutError
    """
    files = [folder / f"{name}.gds", folder / f"{name}.spice", folder / CAPACITANCES]
    for file in files:
        file.unlink(missing_ok=True)
    _magic(WRITE, technology, lef, name, folder, "magic", progress, seconds)
    for file in files:
        if not file.exists():
            raise FlowError(f"magic must write {file.name}, and does not (in {folder / 'magic.log'})")
    return read_capacitances(files[-1].read_text(encoding="utf-8"))


def read_capacitances(text):
    """pF at each node, by name, of SPICE as magic writes it; what is between two nodes counts at both."""
    found = defaultdict(float)
    for line in text.splitlines():
        words = line.split()
        if line.startswith("C") and len(words) == 4:
            # Femtofarad.
            value = float(words[3].removesuffix("F").removesuffix("f")) * 1e-3
            for node in words[1:3]:
                found[node] += value
    return found


def check_rules(name, lef, technology, folder, progress=None, seconds=None):
    """At how many places ``NAME.def`` breaks design rules, and boxes by rule, as `read_rules`."""
    text = _magic(CHECK, technology, lef, name, folder, "drc", progress, seconds)
    if END not in text:
        raise FlowError(f"magic must check all rules, and does not (in {folder / 'drc.log'})")
    return read_rules(text)


def read_rules(text):
    """What magic has printed: its number of places, and boxes by rule, the most frequent first.

    A place is several boxes where it is not a rectangle, or lies across the tiles that magic checks one after another.
    """
    found, places = {}, 0
    for line in text.splitlines():
        if line.startswith(MARK):
            count, rule = line.removeprefix(MARK).split(maxsplit=1)
            found[rule] = found.get(rule, 0) + int(count)
        elif line.startswith(TOTAL):
            places = int(line.removeprefix(TOTAL))
    return places, dict(sorted(found.items(), key=lambda item: -item[1]))
