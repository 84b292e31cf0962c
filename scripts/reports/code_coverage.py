"""Code coverage from Verilator's ``coverage.dat``: lines, branches and toggles of each block, as a table and a page."""

import html
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

FILE = "coverage.dat"
KINDS = ("line", "branch", "toggle")
# Each kind must reach this percentage over all blocks together.
MIN_PERCENT = 90

# Exclusions: kind; block and point as regular expressions; reason; the configurations that they are for.
EXCLUSIONS = (
    ("toggle", r"controller|macro", r"(controller___05F)?(write_taken|busy)\b.*",
     "ports of the controller that only tables use; constant with bitcells", "no table fills"),
    ("toggle", r"controller|macro|fuse", r"(controller___05Ffuse_|fuse_)?mode\[[13]\].*",
     "the upper bit of a fuse mode; constant in macros that fuse two columns at most", "fuse2"),
)


@dataclass(frozen=True)
class Point:
    """One coverage point: in a configuration's module, at a line and column of its Verilog."""

    config: str
    block: str
    kind: str
    line: int
    column: int
    name: str


def read_points(path, config):
    """Points of a file of Verilator's, each with how often it was hit, over all instances of a module."""
    counts = Counter()
    for record in path.read_text(encoding="latin-1").splitlines():
        if not record.startswith("C '"):
            continue
        key, count = record[3:].rsplit("' ", 1)
        fields = dict(field.split("\x02", 1) for field in key.split("\x01")[1:])
        kind, module = fields["page"].removeprefix("v_").split("/", 1)
        block = module.removeprefix(config.name).lstrip("_") or "macro"
        point = Point(config.name, block, kind, int(fields["l"]), int(fields["n"]), fields["o"])
        counts[point] += int(count)
    return counts


def excluded(point, config):
    """The index of the exclusion that a point matches, or None."""
    where = {"no table fills": not config.table_fill_cycles, "fuse2": config.fuse == 2}
    for number, (kind, block, name, _, needs) in enumerate(EXCLUSIONS):
        if point.kind == kind and where[needs] and re.fullmatch(block, point.block) and re.fullmatch(name, point.name):
            return number
    return None


class CodeCoverage:
    """Counts of points over the runs of a regression.

    Attributes
    ----------
    counts : Counter of Point
        Those that are not excluded.
    excluded : Counter of int
        Points by exclusion.
    """

    def __init__(self):
        self.counts = Counter()
        self.excluded = Counter()
        self._left_out = set()

    def load(self, path, config):
        """Add a run's file."""
        for point, count in read_points(path, config).items():
            number = excluded(point, config)
            if number is None:
                self.counts[point] += count
            elif point not in self._left_out:
                self._left_out.add(point)
                self.excluded[number] += 1

    def rows(self):
        """``block, {kind: (hit, points)}`` of each block, sorted, and of all together."""
        sums = {}
        for point, count in self.counts.items():
            for block in (re.sub(r"_\d+(x\d+)?$", "", point.block), "all"):
                hit, points = sums.setdefault(block, {}).get(point.kind, (0, 0))
                sums[block][point.kind] = (hit + (count > 0), points + 1)
        return sorted(sums.items(), key=lambda row: (row[0] == "all", row[0]))

    @property
    def passes(self):
        """Whether each kind reaches its share."""
        kinds = dict(self.rows()).get("all", {})
        return bool(kinds) and all(100 * hit >= MIN_PERCENT * points for hit, points in kinds.values())


def share(pair):
    """In percent, as text."""
    hit, points = pair
    return f"{100 * hit / points:.1f} % of {points:,}" if points else "none"


def make_table(coverage):
    """For the console."""
    table = Table("block", *KINDS, title="Code coverage")
    for block, kinds in coverage.rows():
        table.add_row(block, *(share(kinds.get(kind, (0, 0))) for kind in KINDS))
    return table


STYLE = """body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3em .8em;
border-bottom: 1px solid #ddd } tr:last-child td { font-weight: bold } td.low { background: #fbe3e0 }
div.bar { background: #eee; height: 5px } div.bar div { background: #3a7d44; height: 5px } code { font-size: 13px }
summary { cursor: pointer }"""


def cell(pair):
    """A table cell with a bar."""
    hit, points = pair
    if not points:
        return "<td>none</td>"
    percent = 100 * hit / points
    low = ' class="low"' if percent < MIN_PERCENT else ""
    return f'<td{low}>{share(pair)}<div class="bar"><div style="width:{percent:.1f}%"></div></div></td>'


def make_page(coverage):
    """The same as a page of HTML that needs no other file, with the exclusions and what was not hit."""
    head = "".join(f"<th>{name}</th>" for name in ("block", *KINDS))
    body = "".join(f"<tr><td>{html.escape(block)}</td>" + "".join(cell(kinds.get(kind, (0, 0))) for kind in KINDS)
                   + "</tr>\n" for block, kinds in coverage.rows())
    reasons = "".join(f"<li>{coverage.excluded[number]:,} points: {html.escape(reason)} (<code>{html.escape(block)}: "
                      f"{html.escape(name)}</code>)</li>\n" for number, (_, block, name, reason, _) in
                      enumerate(EXCLUSIONS))
    missed = {}
    for point, count in coverage.counts.items():
        if not count:
            missed.setdefault(point.block, []).append(point)
    lists = "".join(
        f"<details><summary>{html.escape(block)}: {len(points):,}</summary><code>" + "<br>\n".join(
            html.escape(f"{point.config}, line {point.line}: {point.kind} {point.name}") for point in
            sorted(points, key=lambda point: (point.config, point.line, point.name))) + "</code></details>\n"
        for block, points in sorted(missed.items()))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Code coverage</title>\n'
            f"<style>{STYLE}</style></head>\n<body><h1>Code coverage</h1>\n"
            f"<p>Lines, branches and toggles (either way) of the generated Verilog, by Verilator. A point is counted "
            f"once for each configuration.</p>\n<table><tr>{head}</tr>\n{body}</table>\n"
            f"<h2>Not counted</h2><ul>{reasons}</ul>\n<h2>Not hit</h2>\n{lists}</body></html>\n")


def merge(jobs):
    """Code coverage of all jobs of a regression together."""
    coverage = CodeCoverage()
    for job in jobs:
        path = Path(job.results) / job.name / FILE
        if path.exists():
            coverage.load(path, job.config)
    return coverage
