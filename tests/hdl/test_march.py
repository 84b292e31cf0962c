"""Fault simulation of the march tests, with the programs that the gateware runs."""

import itertools
import random

import pytest
from bitline.golden.march_tests import PROGRAMS, backgrounds, run

ROWS, COLUMNS, BITS = 64, 8, 8
WIDTH = COLUMNS * BITS
WORDS = backgrounds(BITS, COLUMNS)
TESTS = ("march_c_minus", "march_ss")


class Memory:
    """Sound rows; a subclass spoils them."""

    def __init__(self, seed=1):
        rng = random.Random(seed)
        self.rows = {row: rng.getrandbits(WIDTH) for row in range(ROWS)}

    def write(self, row, word):
        self.rows[row] = word

    def read(self, row):
        return self.rows[row]


class StuckAt(Memory):
    def __init__(self, row, bit, value):
        super().__init__()
        self.row, self.bit, self.value = row, bit, value

    def read(self, row):
        word = self.rows[row]
        if row != self.row:
            return word
        return word | 1 << self.bit if self.value else word & ~(1 << self.bit)


class Transition(Memory):
    """A cell that does not become ``value`` once it is the other."""

    def __init__(self, row, bit, value):
        super().__init__()
        self.row, self.bit, self.value = row, bit, value

    def write(self, row, word):
        old = self.rows[row]
        if row == self.row and (old >> self.bit & 1) != self.value and (word >> self.bit & 1) == self.value:
            word ^= 1 << self.bit
        self.rows[row] = word


class Address(Memory):
    """Writes of a row go to others, to none, or to one more."""

    def __init__(self, row, targets):
        super().__init__()
        self.row, self.targets = row, targets

    def write(self, row, word):
        for target in self.targets if row == self.row else (row,):
            self.rows[target] = word


class Coupling(Memory):
    """A cell whose change, or state, changes another, after the write that both may belong to.

    ``effect``: ``"inverts"``, 0 or 1; ``cause``: ``"rises"``, ``"falls"``, 0 or 1 (a state, which forces).
    """

    def __init__(self, aggressor, victim, cause, effect):
        super().__init__()
        self.aggressor, self.victim, self.cause, self.effect = aggressor, victim, cause, effect

    def write(self, row, word):
        source, bit = self.aggressor
        before = self.rows[source] >> bit & 1
        self.rows[row] = word
        after = self.rows[source] >> bit & 1
        happens = {"rises": (0, 1), "falls": (1, 0)}.get(self.cause) == (before, after)
        if happens or (self.cause in (0, 1) and after == self.cause):
            target, bit = self.victim
            old = self.rows[target]
            new = old >> bit & 1 ^ 1 if self.effect == "inverts" else self.effect
            self.rows[target] = old & ~(1 << bit) | new << bit


class Disturbed(Memory):
    """A cell that flips when it is read (``"read"``, and the reader sees it; ``"deceptive"``: it does not), or when
    what it holds is written (``"write"``), or that is read wrong (``"incorrect"``); if it holds ``value``."""

    def __init__(self, row, bit, value, kind):
        super().__init__()
        self.row, self.bit, self.value, self.kind = row, bit, value, kind

    def _holds(self, row):
        return row == self.row and (self.rows[row] >> self.bit & 1) == self.value

    def write(self, row, word):
        flips = self.kind == "write" and self._holds(row) and (word >> self.bit & 1) == self.value
        self.rows[row] = word ^ flips << self.bit

    def read(self, row):
        word = self.rows[row]
        if not self._holds(row) or self.kind == "write":
            return word
        if self.kind != "incorrect":
            self.rows[row] ^= 1 << self.bit
        return word if self.kind == "deceptive" else word ^ 1 << self.bit


def found(program, memory, rows):
    return run(program, memory, sorted(rows), WORDS, WIDTH)


@pytest.mark.parametrize("program", TESTS)
def test_sound_memory_passes(program):
    assert found(program, Memory(), range(ROWS)) is None


@pytest.mark.parametrize("program", TESTS)
@pytest.mark.parametrize("fault", [StuckAt, Transition])
def test_every_stuck_at_and_transition_fault_is_found_where_it_is(program, fault):
    for row, bit, value in itertools.product(range(ROWS), range(WIDTH), (0, 1)):
        # What is read elsewhere does not depend on the row.
        assert found(program, fault(row, bit, value), [row]) == (row, bit)


@pytest.mark.parametrize("program", TESTS)
def test_every_address_fault_is_found(program):
    for row in range(ROWS):
        assert found(program, Address(row, ()), [row])
        for other in range(ROWS):
            if other != row:
                assert found(program, Address(row, (other,)), [row, other])
                assert found(program, Address(row, (row, other)), [row, other])


@pytest.mark.parametrize("program", TESTS)
def test_sampled_coupling_faults_are_found(program):
    rng, kinds = random.Random(7), [*itertools.product(("rises", "falls"), ("inverts", 0, 1)),
                                    *itertools.product((0, 1), (0, 1))]
    for number in range(10000):
        aggressor = rng.randrange(ROWS), rng.randrange(WIDTH)
        # One in four within a row.
        victim = aggressor[0] if number % 4 == 0 else rng.randrange(ROWS), rng.randrange(WIDTH)
        if victim == aggressor:
            continue
        cause, effect = kinds[number % len(kinds)]
        assert found(program, Coupling(aggressor, victim, cause, effect), {aggressor[0], victim[0]}), (
            aggressor, victim, cause, effect)


@pytest.mark.parametrize("kind", ["read", "deceptive", "write", "incorrect"])
def test_march_ss_finds_cells_that_are_disturbed(kind):
    for row, bit, value in itertools.product(range(ROWS), range(WIDTH), (0, 1)):
        assert found("march_ss", Disturbed(row, bit, value, kind), [row]) == (row, bit)
    misses = found("march_c_minus", Disturbed(3, 4, 1, kind), [3]) is None
    assert misses == (kind in ("deceptive", "write"))


def test_a_shorter_test_misses_some():
    """Without backgrounds, coupling within a row is not found: the simulation can fail."""
    fault = Coupling((3, 1), (3, 2), "rises", 1)
    assert run("march_ss", fault, [3], WORDS[:1], WIDTH) is None and found("march_ss", fault, [3])


def test_operations_a_row():
    lengths = {program: sum(len(operations.split()) for _, operations in PROGRAMS[program]) for program in TESTS}
    assert lengths == {"march_c_minus": 10, "march_ss": 22}
