"""Drawn programs, valid and hostile: what is drawn, what their runs must be, and runs on engines' Verilog."""

import json
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Flags, Operation
from bitline.golden.engine.image import Fault
from bitline.scripts.commands.networks import fuzz
from bitline.verif.engine.broken_rules import Broken, end_of
from bitline.verif.engine.drawn_cases import CANCEL, Refused, Valid, cases_of, has_ended
from bitline.verif.engine.drawn_programs import draw_image
from bitline.verif.engine.drawn_runs import counts_of, kind_of, play, run_drawn
from bitline.verif.engine.hostile_programs import Hostile, draw_hostile
from bitline.verif.engine.most_cycles import most_cycles
from bitline.verif.engine.small_engines import DRAWN, ROOMY, SMALL
from bitline.verif.engine.verilog_runs import VerilogRun, compiled
from places import ROOT

BUILD = ROOT / "build" / "sim"
CONFIG = ROOMY["half"]


@pytest.fixture(scope="module")
def images():
    return [draw_image(np.random.default_rng(seed), CONFIG) for seed in range(120)]


def test_programs_have_what_a_compiler_does_not_make(images):
    """Deep pixels far right of their source, distances of kilobytes, columns as rows, and all that runs together."""
    seen = Counter()
    for image in images:
        seen.update(kind_of(image.program, number) for number in range(len(image.program)))
        seen["keeps"] += any(load.keeps for load in image.loads)
        for each in image.program:
            if each.operation == Operation.CONV:
                is_dense = each.source_pixel == each.depth
                seen["deep"] += each.depth >= 16
                seen["far right"] += is_dense and each.depth >= 16 and each.left * each.depth >= 1 << 17
                seen["far left"] += is_dense and each.left * each.depth < -1000
                seen["apart"] += max(each.source_pitch, each.target_pitch) > 1000
                seen["columns"] += min(each.source_width, each.source_height) > 1 and (
                    each.source_pixel > each.source_pitch)
                seen["adds"] += each.is_residual
    kinds = {"END", "CONV", "CONV, fed", "CONV, sums", "DEPTHWISE", "DEPTHWISE, feeds", "POOL", "POOL, sums", "ADD"}
    assert set(seen) == kinds | {"keeps", "deep", "far right", "far left", "apart", "columns", "adds"}
    assert min(seen.values()) >= 3, seen


def used(descriptor, name):
    """Addresses of a tensor that are read and used, or written, one by one."""
    first, pitch, pixel = (getattr(descriptor, part) for part in (name, f"{name}_pitch", f"{name}_pixel"))
    if descriptor.operation == Operation.END:
        return range(first, first + descriptor.depth)
    places, depth = product(range(descriptor.target_height), range(descriptor.target_width)), descriptor.channels
    if name == "source" and descriptor.operation != Operation.ADD:
        depth = descriptor.channels if descriptor.operation == Operation.POOL else descriptor.depth
        tall = 3 if descriptor.operation == Operation.DEPTHWISE else descriptor.tall
        down, across = descriptor.places
        rows, columns = ({start + step * number + place for number in range(count) for place in range(reach)} &
                         set(range(length)) for start, step, count, reach, length in (
            (descriptor.top, descriptor.step_y, down, tall, descriptor.source_height),
            (descriptor.left, descriptor.step_x, across, descriptor.wide, descriptor.source_width)))
        places = product(rows, columns)
    return [first + y * pitch + x * pixel + byte for y, x in places for byte in range(depth)]


def test_ends_are_those_of_bytes_that_are_used(images):
    count = 0
    for each in (descriptor for image in images for descriptor in image.program if not descriptor.feeds):
        for name in ("source", *(["target"] if each.operation else []), *(["residual"] if each.is_residual else [])):
            expected = max(used(each, name), default=getattr(each, name) - 1) + 1
            assert end_of(each, name) == expected
            count += expected == getattr(each, name)
    # Of windows that see nothing of their source.
    assert count > 5


def run_of(case, steps, **fields):
    """A run as the golden executor has it, up to so many steps."""
    size = len(case.memory)
    memories = np.array([step.memory for step in steps], np.uint8).reshape(-1, size)
    trace = np.array([[step.start, step.end, *(step.counts[name] for name in ("rows", "reads", "lanes")), 0, 0, 0]
                      for step in steps], np.uint32).reshape(-1, 8)
    memory = memories[-1] if steps else case.memory
    return replace(VerilogRun([step.end for step in steps], memories, memory, case.golden.argmax, True, Fault.NONE, 0,
                              trace), **fields)


def changed(array, index):
    """An array of which an element is another."""
    array = array.copy()
    array[index] ^= 1
    return array


@pytest.fixture(scope="module")
def valid():
    return next(iter(cases_of(CONFIG, range(9)).values()))


def test_runs_of_valid_programs_are_judged(valid):
    run = run_of(valid, valid.golden.steps)
    late = replace(run, ends=[end + 1 for end in run.ends])
    assert valid.difference([run]) is None and valid.difference([late], has_cycles=False) is None
    assert "must end in cycle" in valid.difference([late])
    assert "must hold" in valid.difference([replace(run, memory=changed(run.memory, 5))])


def test_programs_that_break_no_rule_run_first():
    cases = cases_of(CONFIG, range(20))
    kinds = [type(case) for case in cases.values()]
    assert kinds == sorted(kinds, key=[Valid, Refused].index) and set(kinds) == {Valid, Refused}
    assert sorted(cases) == list(range(20))


@pytest.fixture(scope="module")
def hostile():
    """A program that breaks a rule for certain behind a descriptor that is unchanged, and what it was made of."""
    memory = np.random.default_rng(1).integers(0, 256, CONFIG.activation_bytes).astype(np.uint8)
    for seed in range(999):
        rng = np.random.default_rng(seed)
        image = draw_image(rng, CONFIG)
        found = draw_hostile(rng, CONFIG, image)
        rules = Broken(CONFIG, found.image)
        rules.run()
        if rules.is_sure and found.unchanged and found.has_loads and not image.program[found.unchanged - 1].feeds:
            base = Valid(CONFIG, "valid", image, memory)
            steps = [step for step in base.golden.steps if step.number < found.unchanged]
            return Refused(CONFIG, found, base), base, steps, rules.found


def test_runs_of_hostile_programs_are_judged(hostile):
    case, base, steps, rules = hostile
    before = [run_of(base, base.golden.steps)]
    fault, number, _ = rules[-1]
    right = run_of(base, steps, fault=fault, fault_number=number)
    assert case.difference([*before, right]) is None

    targets = [range(each.target, each.target_limit) for each in case.image.program]
    apart = next(address for address in range(CONFIG.activation_bytes) if not any(address in each for each in targets))
    for fields, says in (({"fault_number": number + 1}, "must have a fault of"),
                         ({"is_complete": False}, "must end, and"), ({"fault": Fault.NONE}, "must end within"),
                         ({"ends": right.ends[1:]}, "must end in cycle"),
                         ({"memories": changed(right.memories, (0, 9))}, "must leave"),
                         ({"memory": changed(right.memory, apart)}, f"must not write to address {apart}")):
        assert says in case.difference([*before, replace(right, **fields)]), says
    ended = run_of(base, base.golden.steps)
    assert has_ended(case.image.program, ended) and "and has none" in case.difference([*before, ended])
    assert "must hold" in case.difference([replace(ended, memory=changed(ended.memory, 7)), right])


def test_what_is_fed_may_have_the_fault_of_two_that_start_together():
    """Its rules are looked at before the feeder reads what is beyond its limit."""
    for seed in range(999):
        image = draw_image(np.random.default_rng(seed), CONFIG)
        number = next((number for number, each in enumerate(image.program) if each.feeds), None)
        if number is not None:
            break
    program = list(image.program)
    program[number] = program[number]._replace(source_limit=end_of(program[number], "source") - 1)
    program[number + 1] = program[number + 1]._replace(block_width=3)
    rules = Broken(CONFIG, replace(image, program=program))
    rules.run()
    assert {(fault, each) for fault, each, _ in rules.found} >= {(Fault.SOURCE, number), (Fault.NEIGHBOR, number + 1)}


def test_what_lasts_is_canceled_and_what_does_not_is_not(hostile):
    """A POOL that gateware does not refuse, of far more pixels than it may have."""
    _, base, _, _ = hostile
    pool = next(each for seed in range(99) for each in draw_image(np.random.default_rng(seed), CONFIG).program
                if each.operation == Operation.POOL and each.flags == Flags.MAXIMUM)
    image = replace(base.image, program=[pool._replace(tall=65535, wide=65535), *base.image.program[-1:]])
    long = Refused(CONFIG, Hostile(image, 0), base)
    before, canceled = [run_of(base, base.golden.steps)], run_of(base, [])
    assert long.difference([*before, canceled]) is None and most_cycles(CONFIG, image.program) > CANCEL
    short = Refused(CONFIG, Hostile(replace(image, program=[pool, *base.image.program[-1:]]), 0), base)
    assert "must end within" in short.difference([*before, canceled])


def test_runs_are_counted_by_what_they_are_and_how_they_end(hostile, valid):
    case, base, steps, rules = hostile
    run = run_of(base, steps, fault=rules[-1][0], fault_number=rules[-1][1])
    programs, descriptors = counts_of([valid, case], [(run_of(valid, valid.golden.steps), None), (run, None)])
    assert programs == {("valid", "END"): 1, ("hostile", run.fault.name): 1}
    assert descriptors.total() == len(valid.golden.steps) + len(steps) + 1
    assert descriptors[kind_of(case.image.program, run.fault_number), run.fault.name] == 1


def test_drawn_programs_on_verilog():
    cases = list(cases_of(SMALL, range(16)).values())
    played = play(compiled(SMALL, BUILD), SMALL, cases)
    assert [difference for _, difference in played] == [None] * 16
    programs, _ = counts_of(cases, played)
    assert programs["valid", "END"] > 3 and len({end for kind, end in programs if kind == "hostile"}) > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_many_drawn_programs_on_verilog(name):
    programs, descriptors, wrong = run_drawn((name, range(250)))
    assert not wrong and programs.total() == 250
    assert programs["valid", "END"] > 50 and len({end for _, end in descriptors}) > 8


def record_of(*lines):
    """What a chunk of programs gives."""
    return Counter({("valid", "END"): 2}), Counter({("END", "equal"): 2, ("CONV", "SUM"): 1}), list(lines)


def test_command_counts_and_says_what_is_wrong(monkeypatch, cli, tmp_path):
    monkeypatch.setattr(fuzz, "require_simulator", lambda name: None)
    chunks = []

    def completed(function, jobs, workers):
        assert function is run_drawn and workers == 3
        chunks.extend(jobs)
        yield record_of()
        yield record_of("seed 7, tiny: it")

    monkeypatch.setattr(fuzz, "completed", completed)
    status, output, _ = cli("fuzz", "--engine", 500, "--seed", 3, "--jobs", 3, "--output", tmp_path / "x.json")
    assert status == 1 and "seed 7, tiny: it" in output and "4 programs, 1 mismatches, 496 not run" in output
    assert sorted(seed for _, seeds in chunks for seed in seeds) == list(range(3, 503))
    assert {name for name, _ in chunks} == set(DRAWN) and all(
        list(DRAWN)[seed % len(DRAWN)] == name for name, seeds in chunks for seed in seeds)
    record = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert (record["seed"], record["mismatches"]) == (3, ["seed 7, tiny: it"])
    assert record["programs"] == {"valid": {"END": 4}}
    assert record["descriptors"] == {"CONV": {"SUM": 2}, "END": {"equal": 4}}


@pytest.mark.parametrize("options, match", [
    (("CONV_2D", "--engine", 1), "--engine must be without operators, not with CONV_2D"),
    (("--engine", 1, "--values", 5), "--engine must be without --values, not with 5"),
    (("--engine", 1, "--damaged", 5), "--engine must be without --damaged, not with 5"),
    (("--damaged", 1, "--jobs", 5), "--damaged must be without --jobs, not with 5"),
])
def test_options_that_do_not_go_together(options, match, refused):
    refused("fuzz", *options, match=match)
