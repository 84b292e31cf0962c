"""``bitline regress``: the cocotb regression over configurations, simulators and seeds."""

import os
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import click
from rich.table import Table

from ...hdl.config import MacroConfig
from ...hdl.fabric.emitter import EmitError
from ...verif.macro.coverage import FILE, Coverage, required
from ...verif.macro.regression import LONG_TO_COMPILE, SUITE, TESTBENCH, Job, random_config, run_job
from ...verif.sim.simulators import SIMULATORS, SimulatorError, find_simulator, require_simulator
from ..common.files import BadInput, check_writable, refusing, write_file, write_files
from ..common.jobs import run_jobs, scheduler_option
from ..common.options import build_option, config_arguments, config_options
from ..common.progress import count_of
from ..common.tables import show
from ..fpga.flow import FlowError
from ..fpga.netlist import OPEN_PINS, Implementation, netlist_options, read_implementation
from ..reports import code_coverage

# Files that a run writes into its folder.
REPORTS = ("results.xml", "run.log", FILE, code_coverage.FILE)

# All ports of a macro, few enough pins for the packages.
NETLIST_SUITE = [
    MacroConfig(rows=4, columns=2, weight_bits=2, input_bits=2, banks=2, max_accumulations=2),
    MacroConfig(rows=6, columns=2, weight_bits=2, input_bits=2, column="table", result_interval=2),
]


def command_of(job):
    """The command that runs a job again."""
    verilog = f" --verilog {shlex.quote(str(job.verilog))}" if job.verilog else ""
    netlist = f" {job.netlist.arguments}" if job.netlist else ""
    unknowns = " --unknowns" if job.unknowns else ""
    return (f"bitline regress {config_arguments(job.config)} --simulator {job.simulator} --seed {job.seed}"
            f"{verilog}{netlist}{unknowns}")


def compile_job(job):
    """Build the design of a job; the error message if that fails, else None."""
    try:
        job.build()
    except (EmitError, FlowError, SimulatorError) as error:
        return str(error)
    return None


def run_and_collect(job):
    """Run a job, perhaps on a machine without shared files; the value of `run_job`, and its reports by name."""
    result = run_job(job)
    paths = [job.results / job.name / name for name in REPORTS]
    return result, {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths if path.exists()}


def merge_reports(jobs, path):
    """One JUnit file of all jobs' results, each test case named after its job."""
    suites = ElementTree.Element("testsuites", name="bitline regress")
    for job in jobs:
        source = job.results / job.name / "results.xml"
        suite = ElementTree.SubElement(suites, "testsuite", name=job.name)
        try:
            cases = list(ElementTree.parse(source).iter("testcase"))
        except (OSError, ElementTree.ParseError):
            case = ElementTree.SubElement(suite, "testcase", name="simulation", classname=job.name)
            ElementTree.SubElement(case, "error", message="the simulation left no results")
            continue
        for case in cases:
            case.set("classname", job.name)
            suite.append(case)
    write_file(path, ElementTree.tostring(suites, encoding="unicode") + "\n")


def merge_coverage(jobs):
    """Coverage of all jobs together, and the bins that their configurations require."""
    coverage, bins = Coverage(), set()
    for job in jobs:
        bins |= required(job.config)
        path = job.results / job.name / FILE
        if path.exists():
            coverage.load(path)
    return coverage, bins


def print_coverage(coverage, bins):
    """Table of the groups: bins seen, bins required, times seen."""
    table = Table("coverage", "bins seen", "required", "times", title="Functional coverage")
    for group in sorted({group for group, _ in bins}):
        names = [key for key in bins if key[0] == group]
        seen = sum(bool(coverage.counts[key]) for key in names)
        color = "" if seen == len(names) else "[red]"
        table.add_row(group, f"{color}{seen}", str(len(names)), str(sum(coverage.counts[key] for key in names)))
    show(table)


def report_coverage(jobs, page):
    """Print the table of code coverage and write its page; whether coverage is sufficient."""
    coverage = code_coverage.merge(jobs)
    show(code_coverage.make_table(coverage))
    for number, (*_, reason, _) in enumerate(code_coverage.EXCLUSIONS):
        click.echo(f"not counted: {coverage.excluded[number]:,} points: {reason}")
    write_file(page, code_coverage.make_page(coverage))
    click.echo(page)
    return coverage.passes


def regress(jobs, workers, junit, scheduler=None):
    """Build, run and report; whether all tests passed and all required coverage was reached.

    With a scheduler each worker builds what it runs, if needed, in a folder of the same name.
    """
    builds = list({job.design: job for job in jobs}.values())
    refused = {job.design: reason
               for job, reason in zip(builds, run_jobs("building", compile_job, builds, workers, scheduler)) if reason}
    runnable = [job for job in jobs if job.design not in refused]
    results = {}
    for job, (result, reports) in zip(runnable, run_jobs("simulating", run_and_collect, runnable, workers, scheduler)):
        results[job] = result
        write_files(job.results / job.name, reports)
    merge_reports(jobs, junit)

    tests = sum(count for _, count, _ in results.values())
    failures = 0
    for job in jobs:
        failed, _, reason = results.get(job, ([], 0, refused.get(job.design)))
        if reason:
            failures += 1
            click.echo(f"FAILED {reason}\n  {command_of(job)}")
        for test in failed:
            failures += 1
            click.echo(f"FAILED {test}\n  {command_of(job)} --test {test}")
    complete = True
    # A failed test ends early, and a single test covers little: missing coverage then has no meaning.
    if not failures and not any(job.test for job in jobs):
        coverage, bins = merge_coverage(jobs)
        print_coverage(coverage, bins)
        missing = coverage.missing(bins)
        complete = not missing
        for group, name in missing:
            click.echo(f"NOT COVERED {group}: {name}")
    click.echo(f"{count_of(len(jobs), 'run')} of {count_of(len(builds), 'build')}, {count_of(tests, 'test')}, "
               f"{failures} failures: {junit}")
    return not failures and complete and tests > 0


@click.command()
@config_options
@click.option("--simulator", "simulators", type=click.Choice([*SIMULATORS, "found"]), default="verilator",
              show_default=True, help="Simulator, or all found.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="First seed.")
@click.option("--seeds", type=click.IntRange(1, 10000), default=1, show_default=True, help="Number of seeds.")
@click.option("--random-configs", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="Random configurations, by the seed, beside the others.")
@click.option("--quick", is_flag=True, help="Skip the two macros of the suite that take longest to compile.")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@scheduler_option
@click.option("--test", help="Only this test.")
@click.option("--verilog", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Test this Verilog, for instance a netlist, instead of the generated one.")
@netlist_options
@click.option("--open-pins", type=click.Choice(OPEN_PINS), help="Value of carry pins that an ECP5 netlist leaves "
              "open. [default: both in turn]")
@click.option("--unknowns", is_flag=True,
              help="Let Verilator randomize uninitialized values, by the seed; Icarus has X anyway.")
@click.option("--coverage", is_flag=True,
              help=f"Lines, branches and toggles of each block; fails below {code_coverage.MIN_PERCENT} % of each.")
@click.option("--waves", is_flag=True, help="Write waveforms.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/regress"),
              show_default=True, help="Gets results.xml (JUnit), and a folder per run.")
@build_option
def command(config, simulators, seed, seeds, random_configs, quick, jobs, scheduler, test, verilog, netlist, stage,
            open_pins, unknowns, coverage, waves, out, folder):
    """Run the cocotb regression: on one configuration if one is given, else on a suite."""
    if coverage and (simulators != "verilator" or netlist):
        raise BadInput("--coverage must come with --simulator verilator and without --netlist, and does not")
    if quick and (config or netlist):
        raise BadInput(f"--quick must come with the suite, not with {'--netlist' if netlist else 'a configuration'}")
    if verilog:
        check_verilog(verilog, config, random_configs)
    implementations = choose_implementations(netlist, stage, open_pins, verilog)
    configs = [config] if config else suite(implementations[0], quick)
    configs += [random_config(seed + index) for index in range(random_configs)]
    chosen = [name for name in SIMULATORS if find_simulator(name)] if simulators == "found" else [simulators]
    for simulator in chosen or SIMULATORS:
        require_simulator(simulator)
    if test:
        check_test(test)
    check_writable(out / "results.xml")
    work = [Job(each, simulator, number, folder.resolve(), out.resolve(), waves, test, verilog, implementation,
                unknowns, coverage)
            for simulator in chosen for each in dict.fromkeys(configs) for implementation in implementations
            for number in range(seed, seed + seeds)]
    passed = regress(work, jobs, out.resolve() / "results.xml", scheduler)
    if coverage:
        passed = report_coverage(work, out / "coverage.html") and passed
    if waves:
        for job in work:
            found = [*(out / job.name).glob("*.vcd"), *(folder / ".").glob(f"{job.config.name}*/*.fst")]
            for path in found:
                click.echo(f"waveform: {path}")
    return 0 if passed else 1


def suite(implementation, quick):
    """The configurations to test by default, on the RTL or on netlists."""
    if implementation:
        return [each for each in NETLIST_SUITE if implementation.supports(each)]
    return [each for each in SUITE if not (quick and each in LONG_TO_COMPILE)]


def choose_implementations(netlist, stage, open_pins, verilog):
    """The netlists to test, [None] for the RTL; BadInput for options that do not go together."""
    if netlist and verilog:
        raise BadInput("--netlist must come without --verilog, and does not")
    if open_pins and netlist != "ecp5":
        raise BadInput(f"--open-pins must come with --netlist ecp5, not {netlist}")
    implementation = read_implementation(netlist, stage)
    if netlist != "ecp5":
        return [implementation]
    return [Implementation(netlist, implementation.stage, value) for value in ([open_pins] if open_pins else OPEN_PINS)]


def check_verilog(path, config, random_configs):
    """BadInput if the file is not text, or there is not exactly one configuration."""
    if config is None or random_configs:
        raise BadInput(f"--verilog must come with the one configuration of {path}, and does not")
    with refusing(UnicodeDecodeError):
        path.read_text(encoding="utf-8")


def check_test(name):
    """BadInput, with the list of tests, if there is no test of this name."""
    from importlib import import_module

    module = import_module(TESTBENCH)
    names = [key for key, value in vars(module).items() if isinstance(value, type(module.full_rate))]
    if name not in names:
        raise BadInput(f"test must be one of {', '.join(names)}, not {name}")
