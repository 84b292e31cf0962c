"""Functional coverage: situations that a regression must cover, and those that it has covered."""

import json
from collections import Counter

FILE = "coverage.json"


def required(config):
    """The bins that a regression with this configuration must fill.

    Returns
    -------
    set of (group, bin)
    """
    signs = ("unsigned", "signed")
    bins = {("precision", f"{bits} {sign}") for bits in range(1, config.input_bits + 1) for sign in signs}
    bins |= {("planes", f"{planes} {sign}") for planes in range(1, config.input_bits + 1) for sign in signs}
    bins |= {("sign change", f"{a} then {b}") for a in signs for b in signs}
    bins |= {("extremes", f"{w} weights, {x} inputs, {sign}") for w in ("minimum", "maximum")
             for x in ("minimum", "maximum") for sign in signs}
    bins |= {("bank", f"{bank} {use}") for bank in range(config.banks) for use in ("computes", "is written")}
    bins |= {("back-pressure", state) for state in (
        "input waits", "input pauses", "result waits, pipeline moves", "result waits, pipeline stalls",
        "input waits while pipeline stalls",
        "results back to back" if config.result_interval == 1 else "result is taken, pipeline stalls")}
    bins |= {("hazard", "write waits for its bank"), ("hazard", "write and vector of its bank at once"),
             ("reset", "idle"), ("reset", "vector waits"), ("reset", "planes are driven"), ("reset", "result waits"),
             ("reset", "write is stored"), ("back-pressure", "write pauses")}
    if config.input_bits > 1:
        bins.add(("planes", "some skipped"))
    if config.banks > 1:
        bins |= {("hazard", "write while another bank computes"), ("bank", "changes between vectors")}
    factors = [factor for factor in (1, 2, 4) if factor <= config.fuse]
    bins |= {("fuse", f"{factor}") for factor in factors}
    bins |= {("fuse", f"{a} then {b}") for a in factors for b in factors}
    if config.max_accumulations > 1:
        bins |= {("accumulate", name) for name in (
            "two vectors", f"{config.max_accumulations} vectors", "more than allowed", "mixed precision")}
        bins.add(("reset", "before accumulate"))
        bins |= {("accumulate", f"fused by {factor}") for factor in factors}
    return bins


class Coverage:
    """Counts of bins; ``hit`` while a test runs, ``merge`` over the jobs of a regression."""

    def __init__(self):
        self.counts = Counter()

    def hit(self, group, name, condition=True):
        """Count a bin if the condition holds."""
        if condition:
            self.counts[group, name] += 1

    def save(self, path):
        """Add the counts to those in a file."""
        if path.exists():
            self.load(path)
        path.write_text(json.dumps([[*key, count] for key, count in sorted(self.counts.items())]), encoding="utf-8")

    def load(self, path):
        """Add the counts of a file."""
        for group, name, count in json.loads(path.read_text(encoding="utf-8")):
            self.counts[group, name] += count

    def missing(self, bins):
        """The bins that were never hit, sorted."""
        return sorted(key for key in bins if not self.counts[key])
