"""Builds of designs for simulators, and runs of cocotb on them."""

import json
import logging
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...hdl.emit import emit
from ...hdl.macro.ports import ports
from .cache import cache, digest, locked
from .library import HEADERS, keep, kept_library, library_sources, take, versions
from .simulators import SimulatorError, require_simulator, tool_environment, verilator_root

# Generated Verilog needs no warnings. A design of fewer nodes is compiled as one C++ file: more files need precompiled
# headers, and those take longer than such a design.
VERILATOR_OPTIONS = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "--output-split", "100000",
                     "--output-split-cfuncs", "20000")


def has_space(path):
    """Whether a path has a space, which GNU Make takes for the end of it, and there is no way to quote it."""
    return any(character.isspace() for character in str(path))


def check_make(folder):
    """SimulatorError if Verilator would compile, with GNU Make, in a path with a space."""
    for what, path, way in (("the folder of a build", folder, "choose another with --build"),
                            ("the folder of Verilator", verilator_root(), "make the virtual environment in another")):
        if has_space(path):
            raise SimulatorError(f"{what} must have no space in its path, which GNU Make does not take: {path} "
                                 f"({way})")


def builds(folder):
    """Folder to compile in for ``folder``: itself, or one in the user's cache if its path has a space."""
    folder = Path(folder).resolve()
    if not has_space(folder):
        return folder
    return cache() / f"sim_{digest(str(folder))}"


def compile_program(path, top, sources, *options):
    """Compile Verilog and a C++ main function with Verilator; SimulatorError if it fails.

    Parameters
    ----------
    path : Path
        The program; the files that it is made of go into the folder of it that `builds` gives.
    top : str
        The module on top.
    sources : list of Path
    *options : str
        Of Verilator; warnings are none of them. A path in them must have no space.
    """
    folder = builds(path.parent)
    check_make(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sources = [shutil.copy(each, folder) if has_space(each.resolve()) else each for each in sources]
    with tool_environment():
        done = _run("verilator", "--cc", "--exe", "-Mdir", folder, "-o", path.name, "--top-module", top,
                    *VERILATOR_OPTIONS, *options, *sources)
        if not done.returncode:
            (makefile,) = (each.name for each in folder.glob("*.mk") if not each.stem.endswith("_classes"))
            library = kept_library(folder, makefile)
            take(library, folder)
            done = _run("make", "-C", folder, "-f", makefile, "-j", "2")
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        reason = next((line for line in lines if "rror" in line), "no reason given")
        raise SimulatorError(f"{path.name} must compile, and does not: {reason}")
    keep(library, folder)
    if folder != path.parent.resolve():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / path.name, path)


def _run(*command):
    """A finished process, with what it said."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def _runner(simulator):
    """cocotb's runner; with Verilator only ports are public, which is three times as fast."""
    from cocotb_tools.runner import Verilator, get_runner

    class PortsOnly(Verilator):
        def _build_command(self):
            """The commands, each of which has ended when the next is asked for."""
            verilate, compile_all = super()._build_command()
            verilate.remove("--public-flat-rw")
            yield verilate
            library = kept_library(self.build_dir, "Vtop.mk")
            take(library, self.build_dir)
            # A precompiled header serves only what is compiled with its options: all with the same.
            compile_all.append("OPT_FAST=")
            if library.exists():
                # Only a design of one C++ file has no precompiled header of its own.
                include = f"$(if $(filter 1,$(VM_PARALLEL_BUILDS)),,-include {shlex.quote(str(library / HEADERS))})"
                yield [*compile_all, f"CXXFLAGS={include}"]
            else:
                yield compile_all
                yield [*compile_all, f"{HEADERS}.fast.gch"]
                (self.build_dir / f"{HEADERS}.fast.gch").rename(self.build_dir / f"{HEADERS}.gch")
            keep(library, self.build_dir)

    runner = PortsOnly() if simulator == "verilator" else get_runner("icarus")
    # Failed tests are reported by the caller.
    runner.log.setLevel(logging.CRITICAL)
    return runner


@dataclass(frozen=True)
class Build:
    """A compiled design: its simulator, folder and top module, and which file of the folder is the macro's Verilog.

    ``unknowns``: what has no value yet gets one by the seed of a run.
    """

    simulator: str
    folder: Path
    top: str
    source: str
    waves: bool
    unknowns: bool = False

    def run(self, module, *, seed, environment=None, plusargs=(), folder=None):
        """Run the tests of a Python module on the design.

        Parameters
        ----------
        module : str
            For instance ``"bitline.verif.macro.tb_macro"``.
        seed : int
            Of everything random.
        environment : dict of str to str
            For the tests.
        plusargs : iterable of str
        folder : Path
            Where the run writes ``results.xml`` (JUnit) and its log; by default the build's.

        Returns
        -------
        int
            Tests that ran.

        Raises
        ------
        SimulatorError
            The run did not end with all tests passed; the message ends with the last line of its log.
        """
        folder = Path(folder or self.folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        log, plusargs = folder / "run.log", list(plusargs)
        if self.unknowns:
            # Verilator draws from seeds above zero.
            plusargs += ["+verilator+rand+reset+2", f"+verilator+seed+{seed + 1}"]
        try:
            count, failed = self._results(module, folder, log, seed=seed, plusargs=plusargs,
                                          extra_env={**_environment(module), **(environment or {})})
        except (SystemExit, RuntimeError) as error:
            reason = f"{error}, {_last_line(log)}"
            raise SimulatorError(f"simulation must end by itself, and did not: {reason}") from None
        if failed or not count:
            raise SimulatorError(f"simulation must pass its tests, and {failed} of {count} failed: {_last_line(log)}")
        return count

    def _results(self, module, folder, log, **options):
        """Run the simulator: how many tests ran, and how many of them failed."""
        from cocotb_tools.runner import get_results

        results = folder / "results.xml"
        results.unlink(missing_ok=True)
        with tool_environment():
            _runner(self.simulator).test(
                hdl_toplevel=self.top, hdl_toplevel_lang="verilog", test_module=module, build_dir=self.folder,
                test_dir=folder, results_xml=str(results), log_file=log, waves=self.waves,
                timescale=None if self.simulator == "verilator" else ("1ns", "1ps"), **options)
        return get_results(results)


def _environment(module):
    """Of the simulation of a test module."""
    return {
        "COCOTB_LOG_LEVEL": "WARNING",
        # Of all that is imported, which is much, pytest would parse what it has to say of assertions.
        "COCOTB_REWRITE_ASSERTION_FILES": f"*/verif/*/*.py {module.rpartition('.')[2]}.py",
        # For these assertions pytest would load all plugins that there are.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # More would take the time of the simulator's own thread while they wait for one another.
        "OPENBLAS_NUM_THREADS": "1",
    }


@dataclass(frozen=True)
class Surround:
    """Verilog around a macro: the top module, files by name, its parameters, and the ports that testbenches use."""

    top: str
    sources: dict
    parameters: dict
    visible: tuple


def build(config, *, simulator="verilator", folder=Path("build/sim"), surround=None, waves=False, verilog=None,
          fast=False, unknowns=False, coverage=False):
    """Compile a macro for a simulator, unless it has been compiled already.

    Parameters
    ----------
    config : MacroConfig
    simulator : str
    folder : Path
        Of all builds; each gets one of its own below, named after what goes into it.
    surround : Surround
        What is around it, whose ports are then visible; by default nothing.
    waves : bool
        Able to write waveforms.
    verilog : str
        The macro's Verilog where it is there already; by default it is generated.
    fast : bool
        Let the C++ compiler optimize for long runs; takes longer to build.
    unknowns : bool
        Let Verilator, which knows no X, draw a value by the seed of a run wherever there would be one.
    coverage : bool
        Let Verilator count what is executed and what toggles; each run leaves ``coverage.dat``.

    Returns
    -------
    Build

    Raises
    ------
    SimulatorError
        The simulator is missing or refuses the design.
    """
    require_simulator(simulator)
    around = surround or _nothing(config)
    sources = _sources(config, simulator, around, verilog)
    arguments = _arguments(simulator, fast, unknowns, coverage)
    key = json.dumps([simulator, around.top, waves, list(sources.items()), around.parameters, arguments, versions()])
    folder = Path(folder).resolve()
    if simulator == "verilator":
        folder = builds(folder)
        check_make(folder)
    result = Build(simulator, folder / f"{config.name}_{simulator}_{digest(key)}", around.top, f"{config.name}.v",
                   waves, unknowns and simulator == "verilator")
    _complete(result, sources, around.parameters, arguments)
    return result


def _sources(config, simulator, around, verilog):
    """Files by name: the macro, what is around it, and which ports are public."""
    sources = {f"{config.name}.v": emit(config) if verilog is None else verilog, **around.sources}
    if simulator == "verilator":
        # First, because what it says of modules must be known before them.
        sources = {"ports.vlt": "`verilator_config\n" + "".join(
            f'public_flat_rw -module "{around.top}" -var "{name}"\n' for name in around.visible),
            **library_sources()} | sources
    return sources


def _complete(result, sources, parameters, arguments):
    """Write and compile a build in its folder, unless that is complete."""
    result.folder.mkdir(parents=True, exist_ok=True)
    with locked(result.folder / "lock"):
        if not (result.folder / "complete").exists():
            _clear(result.folder)
            for name, text in sources.items():
                (result.folder / name).write_text(text, encoding="utf-8")
            _compile(result, sources, parameters, arguments)
            (result.folder / "complete").touch()


def _last_line(log):
    """The last line of a log, but for what Verilator says at each end, and its path if it is kept."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    said = (line.strip() for line in reversed(lines) if not line.endswith(": Verilog $finish"))
    return f"{next((line for line in said if line), 'no log')} (in {log})"


def _clear(folder):
    """Remove the files of a failed or interrupted build, which make would consider complete."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def _nothing(config):
    """No more than the macro."""
    return Surround(config.name, {}, {}, ("clk", "rst", *(port.name for port in ports(config))))


def _arguments(simulator, fast, unknowns, coverage):
    if simulator == "icarus":
        return ["-g2012"]
    # Counters make functions so long that compilers take many minutes to optimize them.
    counts = ["--coverage-line", "--coverage-toggle", "-CFLAGS", "-O0"] if coverage else []
    draws = ["--x-assign", "unique", "--x-initial", "unique"] if unknowns else ["--x-assign", "fast"]
    return [*VERILATOR_OPTIONS, "--no-timing", *draws, "-O3", "-CFLAGS",
            "-O3 -march=native" if fast else "-O1", *counts]


def _compile(result, names, parameters, arguments):
    """Run the compiler on files of a build."""
    log = result.folder / "build.log"
    paths = [result.folder / name for name in names]
    # cocotb's runner takes no C++, but Verilator does; its functions are found by what is loaded into the simulation.
    code = [word for path in paths if path.suffix == ".cpp" for word in ("-LDFLAGS", "-rdynamic", str(path))]
    with tool_environment():
        runner = _runner(result.simulator)
        try:
            runner.build(sources=[path for path in paths if path.suffix not in (".cpp", ".h")],
                         includes=[result.folder], hdl_toplevel=result.top, build_dir=result.folder,
                         timescale=("1ns", "1ps"), parameters=parameters, build_args=[*arguments, *code],
                         log_file=log, waves=result.waves, always=True)
        except (SystemExit, RuntimeError) as error:
            raise SimulatorError(f"{result.simulator} must accept the design, and does not ({error}): "
                                 f"see {log}") from None
