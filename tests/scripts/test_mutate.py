import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import run_yosys
from bitline.hdl.fabric.design import Design
from bitline.scripts.commands import mutate as module
from bitline.scripts.commands.mutate import DESIGNS, Image, play, prepare
from bitline.scripts.mutation import engine_runs, replay, scores
from bitline.scripts.mutation.designs import BoardDesign, CoreDesign, EngineDesign, MacroDesign, Pin
from bitline.scripts.mutation.equivalence import differing, equivalent, without
from bitline.scripts.mutation.mutants import SELECT, Mutant, blocks_of, choose, image
from bitline.scripts.mutation.sources import sources
from bitline.scripts.mutation.testbenches import failure
from bitline.verif.engine.small_engines import DEPTHWISE, ROOMY
from bitline.verif.sim.simulators import SimulatorError

SMALL = MacroConfig(rows=2, columns=1, weight_bits=2, input_bits=2)
DESIGN = MacroDesign(SMALL)
# YoWASP's tools see the folder in which they run, but not every host's /tmp.
BUILD = Path("build/mutants").resolve()


@pytest.fixture
def folder(request):
    path = BUILD / request.node.name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def image_of(design, count, blocks, folder):
    return Image(design, count, 1, blocks, folder, Path("build/sim").resolve())


@pytest.mark.needs("iverilog")
def test_mutants_are_killed_and_the_control_is_not(folder):
    job = image_of(DESIGN, 12, ("controller", "drivers"), folder)
    # In the trace of the second seed a reset is unknown between tests.
    assert prepare((job, 1)) is None and prepare((job, 2)) is None
    assert {mutant.block for mutant in job.mutants} == {"drivers", "controller"}
    assert choose(DESIGN, 12, 1, job.folder, job.blocks) == job.mutants
    cycles = play((job, 1, range(1, len(job.mutants) + 1)))
    assert sum(cycle is not None for cycle in cycles) > len(job.mutants) // 2


@pytest.mark.slow
def test_mutants_of_a_core_are_killed_by_its_tests(folder):
    job = image_of(CoreDesign(CoreConfig(macro=SMALL, bus="apb")), 6, ("front",), folder)
    assert prepare((job, 1)) is None
    assert {mutant.block for mutant in job.mutants} == {"front"}
    killed = play((job, 1, range(1, len(job.mutants) + 1)))
    assert killed.count("bus") > len(job.mutants) // 2


@pytest.mark.slow
def test_mutants_of_the_bridge_are_killed_by_its_tests(folder):
    (design,) = (each for each in DESIGNS if isinstance(each, BoardDesign))
    job = image_of(design, 6, ("bridge_session",), folder)
    assert prepare((job, 1)) is None
    killed = play((job, 1, range(1, len(job.mutants) + 1)))
    assert sum(test is not None for test in killed) > len(job.mutants) // 2


def test_blocks_of_a_core_are_those_that_its_macro_lacks():
    blocks = blocks_of(CoreDesign(CoreConfig(macro=SMALL)))
    # Its drivers are told which planes matter, so they are others.
    assert {"core", "core_top", "registers", "lane", "drivers", "macro"} < set(blocks)
    assert not {"accumulator", "adder_tree"} & set(blocks)


@pytest.mark.slow
def test_mutants_of_an_engine_are_killed_by_drawn_programs(folder):
    job = image_of(EngineDesign(ROOMY["half"]), 4, ("engine_pool",), folder)
    assert prepare((job, 1)) is None
    killed = play((job, 1, range(1, len(job.mutants) + 1)))
    assert sum(where is not None for where in killed) > len(job.mutants) // 2


def test_blocks_of_an_engine_are_those_that_find_addresses():
    design = EngineDesign(DEPTHWISE)
    assert set(blocks_of(design)) == {f"engine_{block}" for block in design.blocks}
    assert {pin.name for pin in design.pins} > {"clk", "rst", "start"}


@pytest.fixture
def runs(monkeypatch, folder):
    """Of a mutant of an engine: what is called with, and what programs give, eight at a time."""
    calls, answers = [], []
    monkeypatch.setattr(engine_runs, "program_of", lambda job: "program")
    monkeypatch.setattr(engine_runs, "cases", lambda config, seed: list(range(engine_runs.PROGRAMS)))

    def play(program, config, cases, plusargs):
        calls.append((list(cases), plusargs))
        answer = answers.pop(0) if answers else None
        if isinstance(answer, Exception):
            raise answer
        return [("run", None), ("run", answer)]

    monkeypatch.setattr(engine_runs, "play", play)
    return image_of(EngineDesign(DEPTHWISE), 1, (), folder), calls, answers


def test_a_mutant_of_an_engine_is_killed_by_the_first_programs_that_fail(runs):
    job, calls, answers = runs
    answers += [None, "wrong"]
    assert engine_runs.killed(job, 7, 1) == "wrong"
    assert [programs for programs, _ in calls] == [list(range(8)), list(range(8, 16))]
    assert all(plusargs[0] == "+mutant=7" for _, plusargs in calls)
    answers.append(SimulatorError("it must end"))
    assert engine_runs.killed(job, 7, 1) == "it must end"
    calls.clear()
    assert engine_runs.killed(job, 7, 1) is None
    assert [number for programs, _ in calls for number in programs] == list(range(engine_runs.PROGRAMS))


@pytest.mark.slow
def test_equivalents_are_told_from_survivors(folder):
    # Of two banks and one row, what the row is called makes no difference; which bank is written does.
    design = MacroDesign(MacroConfig(rows=1, columns=1, weight_bits=2, input_bits=2, banks=2))
    mutants = choose(design, 16, 1, folder, ("row_decoder",))
    proved = [equivalent(design, mutant, folder) for mutant in mutants]
    assert any(proved) and not all(proved)
    # One that changes nothing, and one that nobody could miss.
    same = replace(mutants[0], command=re.sub("-mode \\S+", "-mode none", mutants[0].command))
    lost = next(mutant for mutant in mutants if "-wire write_weights -wirebit 0" in mutant.command)
    assert equivalent(design, same, folder) and not equivalent(design, lost, folder)


def test_blocks_that_are_left_out_must_be_given_the_same(folder):
    mutants = choose(DESIGN, 60, 1, folder, ("macro",))
    lost = next(mutant for mutant in mutants if "-cell drivers -port x" in mutant.command)
    same = replace(lost, command=re.sub("-mode \\S+", "-mode none", lost.command))
    others = [name for name in Design(DESIGN.verilog).modules if name != DESIGN.name]

    def differs(mutant):
        rest, inner = without(image(DESIGN, [mutant]), DESIGN, others, folder / "rest")
        assert all({pin.is_input for pin in pins} == {False, True} for pins in inner.values())
        return differing(rest, DESIGN.name, DESIGN.pins, "-zero", folder / "rest", inner)

    # What a block gets that does not matter to it is found where that block is left in.
    assert differs(same) == set() and differs(lost) == {f"differs_{DESIGN.name}_drivers"}


def test_what_differs_in_a_reset_only_is_not_proved_equal_as_a_block(folder):
    gold = f"module both(input clk, input rst, input a, output y, input {SELECT}); assign y = a & ({SELECT} | !rst);"
    pins = [Pin("clk", 1, True), Pin("rst", 1, True), Pin("a", 1, True), Pin("y", 1, False)]
    assert differing(f"{gold} endmodule\n", "both", pins, "-zero", folder / "late") == set()
    assert differing(f"{gold} endmodule\n", "both", [], "-zero", folder / "always", {"it": pins}) == {"differs_it"}


def test_an_image_leaves_no_value_open(folder):
    design = MacroDesign(replace(SMALL, column="table"))

    def open_values(text):
        return [word for word in text.split() if "x" in word.partition("'")[2]]

    assert open_values(run_yosys(f"read_verilog <<verilog\n{design.verilog}\nverilog\nproc\nwrite_verilog -noattr\n"))
    assert not open_values(image(design, []))


# What the original does, and a mutant that is certainly another, each with unknowns or what takes them for a value.
DIFFERENT = {
    "unknown": ("assign y = a;", "assign y = 4'bx;"),
    "undriven": ("assign y = a;", "wire [3:0] z; assign y = z;"),
    "write enable": ("reg [3:0] m [0:3]; always @(posedge clk) if (e) m[a[1:0]] <= a; assign y = m[a[3:2]];",
                     "reg [3:0] m [0:3]; always @(posedge clk) if (1'b0) m[a[1:0]] <= a; assign y = m[a[3:2]];"),
    "missing word": (
        "reg [3:0] m [0:2]; always @(posedge clk) if (e) m[a[1:0]] <= a; assign y = m[{a[3], a[2] & !a[3]}];",
        "reg [3:0] m [0:2]; always @(posedge clk) if (e) m[a[1:0]] <= a; assign y = m[{a[3], a[2] ^ a[3]}];"),
    "collision": ("reg [3:0] q; always @(posedge clk) q <= a; assign y = q;",
                  "reg [3:0] q; always @(posedge clk) q <= e ? 4'bx : a; assign y = q;"),
    "start": ("assign y = 1;", "reg [3:0] q; assign y = q; always @(posedge clk) q <= q;"),
    "late": ("reg [9:0] n; always @(posedge clk) n <= rst ? 0 : n + 1; assign y = n == 900;", "assign y = 0;"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_is_not_proved_equal(what, folder):
    ports = "(input clk, input rst, input e, input [3:0] a, output [3:0] y"
    gold, gate = (f"module {name}{ports}); {body} endmodule\n" for name, body in zip(("one", "other"), DIFFERENT[what]))
    pins = ".clk(clk), .rst(rst), .e(e), .a(a)"
    both = (f"module both{ports}, input {SELECT}); wire [3:0] p, q;\n"
            f"one one({pins}, .y(p)); other other({pins}, .y(q)); assign y = {SELECT} ? q : p; endmodule\n")
    everything = [Pin("clk", 1, True), Pin("rst", 1, True), Pin("e", 1, True), Pin("a", 4, True), Pin("y", 4, False)]
    assert differing(gold + gate + both, "both", everything, "-zero", folder / what) == {"differs"}
    same = gold + gate + both.replace("? q : p", "? p : p")
    assert differing(same, "both", everything, "-zero", folder / what) == set()


def test_a_run_that_came_to_nothing_is_not_killed(tmp_path):
    (tmp_path / "run.log").write_text("killed", encoding="utf-8")
    with pytest.raises(SimulatorError, match="must fail a test or come to its end"):
        failure(tmp_path, 100)
    (tmp_path / "run.log").write_text("took 101 cycles", encoding="utf-8")
    assert failure(tmp_path, 100) == "no end"
    (tmp_path / "results.xml").write_text(
        '<t><testcase name="a"><properties/></testcase><testcase name="b"><failure/></testcase></t>', encoding="utf-8")
    assert failure(tmp_path, 100) == "b"


@pytest.mark.slow
def test_images_have_every_block_of_the_suite():
    blocks = set().union(*map(blocks_of, DESIGNS))
    suite = set().union(*(blocks_of(MacroDesign(config)) for config in module.SUITE))
    assert suite - blocks == set()
    assert {"board", "bridge", "bridge_session", "bridge_executor", "bridge_receiver", "bridge_transmitter"} <= blocks


@pytest.fixture
def without_simulators(monkeypatch):
    """For runs that come to no simulation."""
    monkeypatch.setattr(module, "require_simulator", lambda name: None)


@pytest.mark.usefixtures("without_simulators")
def test_scores_leave_equivalents_out(monkeypatch, cli, folder):
    command = "mutate -mode cnot0 -module m -cell $and$x:1$2 -port A -portbit 0 -ctrlbit 3"
    mutants = [Mutant(number, "controller", str(number), command) for number in range(1, 6)]
    monkeypatch.setattr(Image, "mutants", mutants)
    # The first seed kills two, another is proved equivalent; of those left the second seed kills one.
    killed = {1: {1: 5, 2: 7}, 2: {4: 9}}
    played = []

    def play(job):
        _, seed, numbers = job
        played.append((seed, numbers))
        return [killed[seed].get(number) for number in numbers]

    answers = {"choosing": lambda job: None, "recording and compiling": lambda job: None, "killing": play,
               "looking for equivalents": lambda job: job[1].number == 3}
    monkeypatch.setattr(module, "run_jobs", lambda what, function, jobs, *_: [answers[what](job) for job in jobs])
    monkeypatch.setattr(module, "DESIGNS", [DESIGN])
    status, output, _ = cli("mutate", "controller", "--seeds", 2, "--out", folder)
    assert played == [(1, [1, 2, 3, 4, 5]), (2, [4, 5])]
    assert status == 0 and output.count("SURVIVES") == 1
    assert f"SURVIVES controller of {SMALL.name}.v:5: cnot0 by [3] at A[0] of $and$x:1" in output
    assert re.search(r"all +│ +│ 5 +│ 3 +│ 1 +│ 1 +│ 75.0%", output)
    assert json.loads((folder / "mutants.json").read_text(encoding="utf-8")) == {
        "commit": module.commit(), "count": 150, "seed": 1, "seeds": 2,
        "blocks": [{"design": "macro", "block": "controller", "mutants": 5, "equivalent": 1, "killed": 3}],
        "equivalents": [f"controller of {SMALL.name}.v:3: cnot0 by [3] at A[0] of $and$x:1"],
        "survivors": [f"controller of {SMALL.name}.v:5: cnot0 by [3] at A[0] of $and$x:1"]}


@pytest.mark.usefixtures("without_simulators")
def test_only_a_resumed_run_keeps_what_is_there(monkeypatch, cli, folder):
    job = Image(DESIGN, 4, 1, ("controller",), folder, folder / "builds")
    kept = job.folder / "control_1.json"
    monkeypatch.setattr(module, "mutate", lambda *_: ([], [], []))
    monkeypatch.setattr(module, "DESIGNS", [DESIGN])
    for options, stays in ((["--resume"], True), ([], False)):
        assert job.kept("control_1", lambda: None) is None and kept.exists()
        assert job.kept("control_1", lambda: 7) is None
        assert cli("mutate", "controller", "--count", 4, *options, "--out", folder)[0] == 0
        assert kept.exists() == stays


def test_what_kills_mutants_of_a_macro_depends_on_its_tests_and_not_on_those_of_a_core():
    found = {path.name for path in sources(*replay.tests(DESIGN))}
    assert {"tb_macro.py", "stimulus.py", "cycles.py", "native.cpp"} < found
    assert found.isdisjoint({"tb_core.py", "core_bench.py"})


@pytest.mark.usefixtures("without_simulators")
def test_a_control_that_differs_fails(monkeypatch, refused, folder):
    monkeypatch.setattr(module, "run_jobs", lambda what, function, jobs, *_: [3 for job in jobs])
    monkeypatch.setattr(module, "DESIGNS", [DESIGN])
    refused("mutate", "controller", "--out", folder, match="mutant 0, the design itself, must not be killed")


def test_wrong_options_are_refused(monkeypatch, refused):
    monkeypatch.setattr(module, "DESIGNS", [DESIGN])
    refused("mutate", "nonsense", match="block must be one of accumulator, .*, not nonsense")
    refused("mutate", "--count", 0, match="0 is not in the range")


@pytest.mark.usefixtures("without_simulators")
def test_an_interrupted_run_says_how_to_go_on(monkeypatch, cli, folder):
    def interrupt(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(module, "run_jobs", interrupt)
    monkeypatch.setattr(module, "DESIGNS", [DESIGN])
    status, _, errors = cli("mutate", "controller", "--design", "macro", "--count", 40, "--out", folder)
    assert status == 130
    assert f"bitline mutate controller --design macro --count 40 --seed 1 --seeds 3 --out {folder} --resume" in errors


@pytest.mark.usefixtures("without_simulators")
def test_designs_of_a_kind_get_as_many_mutants_alone(monkeypatch, cli, refused, folder):
    images = []
    monkeypatch.setattr(module, "mutate", lambda found, *_: images.append(found) or ([], [], []))
    monkeypatch.setattr(module, "DESIGNS", [DESIGN, CoreDesign(CoreConfig(macro=SMALL))])
    for options in ((), ("--design", "core")):
        assert cli("mutate", *options, "--count", 40, "--out", folder)[0] == 0
    assert [image.design.kind for image in images[0]] == ["macro", "core"] and images[1] == images[0][1:]
    refused("mutate", "lane", "--design", "macro", match="block must be one of accumulator, .*, not lane")


def test_tables_of_mutants_have_blocks_by_kind_and_why_the_survivors_survive():
    record = {"blocks": [{"design": "core", "block": "lane", "mutants": 3, "killed": 1, "equivalent": 1},
                         {"design": "core", "block": "macro", "mutants": 1000, "killed": 1000, "equivalent": 0},
                         {"design": "macro", "block": "fuse", "mutants": 1, "killed": 0, "equivalent": 1}],
              "survivors": ["lane of c.v:1: a"]}
    assert scores.cells_of(record["blocks"])[-1] == ("all", "", "1,004", "1,001", "2", "1", "99.9%")
    assert scores.scores_table(record).splitlines()[2:] == [
        "| core | 1,003 | 1,001 | 1 | 1 | 99.9% |", "| macro | 1 | 0 | 1 | 0 |  |",
        "| all | 1,004 | 1,001 | 2 | 1 | 99.9% |"]
    assert scores.blocks_table(record).splitlines()[2:] == [
        "| core | lane | 3 | 1 | 1 | 1 | 50.0% |", "| macro | fuse | 1 | 0 | 1 | 0 |  |"]
    assert scores.killed_blocks(record).splitlines()[2:] == ["| core | macro |"]
    assert scores.survivors_table(record, {"lane of c.v:1: a": "it is late"}).splitlines()[2:] == [
        "| `lane of c.v:1: a` | it is late |"]
