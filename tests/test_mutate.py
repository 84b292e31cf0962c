import json
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.host.simulator import find_simulator
from bitline.scripts import mutate as module
from bitline.scripts.equivalence import same_everywhere, same_for_cycles
from bitline.scripts.mutants import Mutant, blocks_of, choose, compile_image, image, record, replay
from bitline.scripts.mutate import IMAGES, Image

SMALL = MacroConfig(rows=2, columns=1, weight_bits=2, input_bits=2)
# YoWASP's tools see the folder in which they run, but not every host's /tmp.
BUILD = Path("build/mutants").resolve()
needs_icarus = pytest.mark.skipif(not find_simulator("icarus"), reason="mutants are simulated with Icarus")


@pytest.fixture
def folder(request):
    path = BUILD / request.node.name
    path.mkdir(parents=True, exist_ok=True)
    return path


@needs_icarus
def test_mutants_are_noticed_and_the_control_is_not(folder):
    recorded = record(SMALL, 1, folder, Path("build/sim"))
    mutants = choose(SMALL, 12, 1, folder, ("drivers", "controller"))
    assert {mutant.block for mutant in mutants} == {"drivers", "controller"}
    assert choose(SMALL, 12, 1, folder, ("drivers", "controller")) == mutants
    program = compile_image(SMALL, mutants, folder)
    assert replay(program, recorded, 0) is None
    cycles = [replay(program, recorded, mutant.number) for mutant in mutants]
    assert sum(cycle is not None for cycle in cycles) > len(mutants) // 2


def test_equivalents_are_told_from_survivors(folder):
    mutants = choose(SMALL, 6, 1, folder, ("row_decoder",))
    text = image(SMALL, mutants)
    width = len(mutants).bit_length()
    module_name = blocks_of(SMALL)["row_decoder"][0]
    # One that does not exist is the original.
    assert same_everywhere(text, module_name, len(mutants) + 1, width, folder / "same")
    assert not all(same_everywhere(text, module_name, mutant.number, width, folder / "same") for mutant in mutants[:3])
    assert same_for_cycles(SMALL, text, len(mutants) + 1, width, folder / "cycles", 120) == "passed"


def test_images_have_every_block_of_the_suite():
    blocks = set().union(*(blocks_of(config) for config in IMAGES))
    suite = set().union(*(blocks_of(config) for config in module.SUITE))
    assert suite - blocks == set()


def test_scores_leave_equivalents_out(monkeypatch, cli, folder):
    mutants = [Mutant(number, "controller", "7", "mutate -mode inv -module m -cell $and$x:1$2 -port A -portbit 0")
               for number in range(1, 5)]
    monkeypatch.setattr(Image, "mutants", mutants)
    answers = {"recording and compiling": lambda job: None,
               "replaying": lambda job: [(number, None if number > 2 else 5) for number in job[1]],
               "looking for equivalents": lambda job: "equal in every state" if job[1].number == 3 else "differs"}
    monkeypatch.setattr(module, "run_jobs", lambda what, function, jobs, workers: [answers[what](job) for job in jobs])
    monkeypatch.setattr(module, "IMAGES", [SMALL])
    status, output, _ = cli("mutate", "controller", "--out", folder)
    assert status == 0 and f"SURVIVES controller of {SMALL.name}.v:7: inv at A[0] of $and$x:1: differs" in output
    facts = json.loads((folder / "mutants.json").read_text(encoding="utf-8"))
    assert facts["blocks"] == [{"block": "controller", "mutants": 4, "noticed": 2, "equivalent": 1, "survivors": 1,
                                "score": 2 / 3}]


def test_a_control_that_differs_fails(monkeypatch, refused, folder):
    monkeypatch.setattr(module, "run_jobs", lambda what, function, jobs, workers: [3 for job in jobs])
    refused("mutate", "controller", "--out", folder, match="mutant 0, which is no mutant, must do as recorded")


def test_wrong_options_are_refused(refused):
    refused("mutate", "nonsense", match="block must be one of accumulator, .*, not nonsense")
    refused("mutate", "--count", 0, match="0 is not in the range")


def test_an_interrupted_run_says_how_to_go_on(monkeypatch, cli, folder):
    def interrupt(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(module, "run_jobs", interrupt)
    status, _, errors = cli("mutate", "controller", "--count", 40, "--out", folder)
    assert status == 130 and f"bitline mutate controller --count 40 --seed 1 --out {folder} --resume" in errors
