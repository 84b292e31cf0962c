"""Upsets of stored weights, and what they do to networks."""

import json

import numpy as np
import pytest
from bitline.golden.program import Program, Vector, Write, predict
from bitline.golden.upsets import FLIPPED, KINDS, STUCK, UpsetMacro
from bitline.hdl.config import CoreConfig, MacroConfig
from testbench_runs import run

CONFIG = MacroConfig(rows=9, columns=7, banks=2, max_accumulations=3)
SEEDS = range(20)


def draw_program(seed, vectors=40):
    """Both banks are written, then one of them again between its vectors."""
    rng = np.random.default_rng(seed)

    def rows(bank, after):
        return [Write(bank, row, rng.integers(-128, 128, CONFIG.columns), after) for row in range(CONFIG.rows)]

    def some(bank, after):
        return [Vector(rng.integers(0, 256, CONFIG.rows), 8, True, bank, accumulate=number % 3 > 0, after=after)
                for number in range(vectors)]

    return Program(rows(0, 0) + rows(1, 0) + rows(0, vectors),
                   some(0, CONFIG.rows) + some(1, 2 * CONFIG.rows) + some(0, 3 * CONFIG.rows))


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_without_wrong_bits_it_is_exact(kind, repeats):
    program = draw_program(1)
    macro = UpsetMacro(CONFIG, kind, 0, 1, repeats=repeats)
    results, exact = macro.play(program).results, predict(CONFIG, program).results
    assert (results.y == exact.y).all() and (results.sum_x == exact.sum_x).all()
    assert macro.tally.results == len(exact) and macro.tally.wrong == macro.tally.marked == macro.tally.missed == 0


def test_with_every_bit_flipped_weights_are_inverted():
    program = draw_program(2)
    inverted = [Write(each.bank, each.row, ~each.weights, each.after) for each in program.writes]
    exact = predict(CONFIG, Program(inverted, list(program.vectors))).results
    assert (UpsetMacro(CONFIG, FLIPPED, 1, 1).play(program).results.y == exact.y).all()


def test_with_every_cell_stuck_it_does_not_matter_what_is_written():
    vectors = list(draw_program(2).vectors)
    first, second = (UpsetMacro(CONFIG, STUCK, 1, 1).play(Program(list(draw_program(seed).writes), vectors)).results.y
                     for seed in (2, 3))
    assert (first == second).all() and first.any()


def test_share_of_wrong_bits_is_the_rate():
    macro = UpsetMacro(MacroConfig(rows=64, columns=62), FLIPPED, 0.03, 1)
    words = macro._draw(64)
    bits = sum(int(word).bit_count() for word in words.reshape(-1))
    assert words.shape == (64, 64) and abs(bits / (words.size * 8) - 0.03) < 0.002


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_repeats_leave_only_what_the_checksum_misses(rate):
    wrong = 0
    for seed in SEEDS:
        program = draw_program(seed)
        macro = UpsetMacro(CONFIG, FLIPPED, rate, seed, repeats=True)
        results, exact = macro.play(program).results, predict(CONFIG, program).results
        assert macro.tally.lost == 0
        assert (results.y != exact.y).any(axis=1).sum() == macro.tally.missed
        wrong += macro.tally.wrong
    assert wrong


def test_stuck_cells_are_repeated_in_the_other_bank():
    outcomes = {False: 0, True: 0}
    for seed in SEEDS:
        program = draw_program(seed)
        exact, wrong = predict(CONFIG, program).results.y, {}
        for repeats in outcomes:
            macro = UpsetMacro(CONFIG, STUCK, 2e-3, seed, repeats=repeats)
            wrong[repeats] = int((macro.play(program).results.y != exact).any(axis=1).sum())
            outcomes[repeats] += wrong[repeats]
        assert wrong[True] <= macro.tally.missed + macro.tally.lost
    assert outcomes[True] < outcomes[False] / 2


@pytest.mark.parametrize("rate", [2e-3, 1e-2, 0.3])
def test_what_is_marked_again_is_used_as_it_came_first(rate):
    lost = 0
    for seed in SEEDS:
        program = draw_program(seed)
        first = UpsetMacro(CONFIG, STUCK, rate, seed).play(program).results.y
        macro = UpsetMacro(CONFIG, STUCK, rate, seed, repeats=True)
        changed = int((macro.play(program).results.y != first).any(axis=1).sum())
        # Each that is changed was marked, and was not lost.
        assert changed <= macro.tally.marked - macro.tally.lost
        lost += macro.tally.lost
        assert rate < 0.3 or (macro.tally.lost == macro.tally.marked > 100 and changed == 0)
    assert lost


def test_state_is_kept_between_programs():
    program = draw_program(4)
    whole = UpsetMacro(CONFIG, FLIPPED, 0, 1).play(program).results.y
    macro = UpsetMacro(CONFIG, FLIPPED, 0, 1)
    writes, vectors = list(program.writes), list(program.vectors)
    macro.play(Program(writes[:2 * CONFIG.rows], vectors[:41]))
    rest = macro.play(Program(
        [Write(each.bank, each.row, each.weights, max(each.after - 41, 0)) for each in writes[2 * CONFIG.rows:]],
        [Vector(each.x, each.bits, each.signed, each.bank, each.accumulate) for each in vectors[41:]])).results.y
    assert (rest[:39] == whole[41:80]).all()


@pytest.mark.parametrize("config, options, match", [
    (CONFIG, {"kind": "upset"}, "kind must be one of flipped, stuck, not upset"),
    (MacroConfig(rows=2, columns=2, fuse=2), {"kind": FLIPPED}, "fuse 1, not 2"),
    (MacroConfig(rows=2, columns=2), {"kind": STUCK, "repeats": True}, "another bank"),
])
def test_what_cannot_be_is_refused(config, options, match):
    with pytest.raises(ValueError, match=match):
        UpsetMacro(config, rate=0, seed=0, **options)


def test_core_computes_and_marks_what_the_model_does(tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=4, columns=5, banks=2, weight_bits=5), output="int32", checksum=True)
    assert run(config, "tb_wrong_weights", tmp_path, inside=True) == ([], 1)


def test_command(cli, tmp_path):
    status, output, errors = cli("resilience", "digits", "--count", 200, "--rates", "1e-5,1e-1", "--seeds", 2,
                                 "--out", tmp_path)
    assert status == 0, errors
    report = json.loads((tmp_path / "resilience.json").read_text(encoding="utf-8"))
    points = {(point["kind"], point["response"], point["rate"]): np.mean(point["accuracies"])
              for point in report["points"]}
    assert len(points) == 8 and report["exact"] > 0.9
    assert points["flipped", "no checksum", 1e-1] < report["exact"] - 0.3
    assert points["flipped", "checksum and repeats", 1e-1] > report["exact"] - 0.02
    assert points["stuck", "no checksum", 1e-1] < report["exact"] - 0.3
    assert "wrong and not marked" in output and (tmp_path / "resilience.png").stat().st_size > 10_000


@pytest.mark.slow
def test_published_network(cli, published, tmp_path):
    model, _ = published("keyword_spotting")
    status, output, errors = cli("resilience", model, "--inputs", model.parent / "inputs", "--rates", "3e-3", "--seeds",
                                 2, "--out", tmp_path)
    assert status == 0 and "share of inputs that the exact network" in output, errors
    report = json.loads((tmp_path / "resilience.json").read_text(encoding="utf-8"))
    accuracies = [np.mean(point["accuracies"]) for point in report["points"]]
    assert report["exact"] == 1 and accuracies[0] < 0.8 < accuracies[1] == 1


@pytest.mark.parametrize("options, match", [
    (("digits", "--rates", "0"), "--rates must be numbers above 0 and up to 1 with commas between, not 0"),
    (("digits", "--rates", "1e-3,two"), "--rates must be numbers"),
    (("digits", "--labels", "x.csv"), "digits must be compared on its own images"),
    (("missing.tflite",), "missing.tflite"),
    (("digits", "--out", "README.md"), "must be a folder|is not a folder|README.md"),
])
def test_wrong_options_are_refused(refused, options, match):
    refused("resilience", *options, match=match)
