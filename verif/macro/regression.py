"""The regression of the macro: its suite of configurations, and one run of it."""

import random
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from ...hdl.config import COLUMNS, FUSES, INTERVALS, KINDS, MacroConfig
from ..sim.build import build
from ..sim.simulators import SimulatorError

TESTBENCH = "bitline.verif.macro.tb_macro"
# Each is small and shows something: one row, one column, one bit, odd sizes, every fuse, all trees, many banks,
# tables in both memories, two table writers.
SUITE = [MacroConfig(**parameters) for parameters in (
    {"rows": 1, "columns": 1},
    {"rows": 1, "columns": 3, "weight_bits": 1, "input_bits": 1, "max_accumulations": 5, "banks": 2},
    {"rows": 6, "columns": 1, "weight_bits": 3, "input_bits": 16, "max_accumulations": 2},
    {"rows": 3, "columns": 5, "banks": 2, "max_accumulations": 3},
    {"rows": 13, "columns": 7, "weight_bits": 5, "input_bits": 3, "banks": 3, "max_accumulations": 33,
     "tree": "carry_save"},
    {"rows": 16, "columns": 8, "banks": 2, "fuse": 4, "max_accumulations": 4, "result_interval": 2},
    {"rows": 8, "columns": 6, "weight_bits": 4, "input_bits": 4, "banks": 5, "fuse": 2, "max_accumulations": 16,
     "tree": "compressor"},
    {"rows": 256, "columns": 2, "banks": 2, "max_accumulations": 2},
    {"rows": 64, "columns": 4, "banks": 2, "max_accumulations": 2, "tree": "carry_save"},
    {"rows": 1, "columns": 1, "column": "table"},
    {"rows": 80, "columns": 4, "column": "table", "max_accumulations": 2, "result_interval": 4},
    {"rows": 13, "columns": 5, "weight_bits": 5, "banks": 2, "column": "table", "max_accumulations": 3},
    {"rows": 11, "columns": 7, "weight_bits": 1, "input_bits": 3, "banks": 5, "column": "table", "result_interval": 2},
    {"rows": 12, "columns": 8, "banks": 3, "fuse": 2, "max_accumulations": 4, "column": "table",
     "block_ram_columns": 4, "result_interval": 4, "broadcast": 1},
    {"rows": 20, "columns": 4, "weight_bits": 4, "column": "table", "block_ram_columns": 4},
    {"rows": 17, "columns": 5, "weight_bits": 3, "input_bits": 4, "banks": 2, "column": "table", "table_writers": 2},
    {"rows": 11, "columns": 4, "weight_bits": 6, "input_bits": 2, "banks": 7, "max_accumulations": 3, "column": "table",
     "block_ram_columns": 2, "table_writers": 2, "result_interval": 2},
)]
# Compiling these two takes as long as all the others together.
LONG_TO_COMPILE = [config for config in SUITE if (config.rows, config.columns) in ((256, 2), (64, 4))]


@dataclass(frozen=True)
class Job:
    """One run of the testbench, on the RTL, other Verilog, or a netlist of `scripts.fpga.netlist`."""

    config: MacroConfig
    simulator: str
    seed: int
    builds: Path
    results: Path
    waves: bool = False
    test: str | None = None
    verilog: Path | None = None
    netlist: object = None
    unknowns: bool = False
    coverage: bool = False

    @property
    def name(self):
        """Unique name of the job in a regression."""
        netlist = f"_{self.netlist.name}" if self.netlist else ""
        return f"{self.config.name}{netlist}_{self.simulator}_{self.seed}"

    @property
    def design(self):
        """Unique name of the build of the job."""
        return self.config, self.simulator, self.netlist, self.unknowns, self.coverage

    def build(self):
        """The compiled simulation."""
        verilog = self.verilog.read_text(encoding="utf-8") if self.verilog else None
        if self.netlist:
            verilog = self.netlist.verilog(self.config, self.builds / "netlists")
        return build(self.config, simulator=self.simulator, folder=self.builds, waves=self.waves, verilog=verilog,
                     unknowns=self.unknowns, coverage=self.coverage)


def random_config(seed):
    """A small random configuration."""
    rng = random.Random(seed)
    fuse = rng.choice(FUSES)
    columns = fuse * rng.randint(1, 3)
    column = rng.choice(COLUMNS)
    kind = {name: rng.choice(values) for name, values in KINDS[column].samples(columns).items()}
    interval = rng.choice(INTERVALS)
    return MacroConfig(rows=rng.choice((1, 2, 3, 5, 7, 11, 16, 23)), columns=columns, weight_bits=rng.randint(1, 9),
                       input_bits=rng.randint(1, 9), banks=rng.randint(1, 4), fuse=fuse,
                       max_accumulations=rng.choice((1, 2, 3, 8, 20)), column=column,
                       result_interval=interval, broadcast=int(interval == 4 and rng.random() < 0.5), **kind)


def run_job(job):
    """Run a job; returns the failed tests and the number of tests, or the reason why none ran."""
    folder = job.results / job.name
    shutil.rmtree(folder, ignore_errors=True)
    environment = {"BITLINE_CONFIG": job.config.to_json()}
    if job.test:
        environment["COCOTB_TEST_FILTER"] = rf"\.{job.test}$"
    reason = None
    try:
        job.build().run(TESTBENCH, seed=job.seed, environment=environment, folder=folder)
    except SimulatorError as error:
        reason = str(error)
    try:
        cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return [], 0, reason or "no results"
    failed = [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return failed, len(cases), None if failed else reason
