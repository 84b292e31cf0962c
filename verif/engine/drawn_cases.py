"""Drawn programs to run on an engine, valid and hostile, and what their runs must be."""

from contextlib import suppress
from functools import cached_property

import numpy as np

from ...golden.engine.checks import Checks
from ...golden.engine.descriptor import Operation
from ...golden.engine.executor import Engine
from ...golden.engine.image import EngineError
from .broken_rules import Broken
from .drawn_programs import draw_image
from .hostile_programs import draw_hostile
from .most_cycles import most_cycles
from .verilog_runs import PATIENCE, Job

# Cycles after which a program that breaks a rule is canceled; and the most of a hostile one that breaks none.
CANCEL, LONGEST = 20_000, 20_000


class Valid:
    """A program that breaks no rule: memory, cycles and trace after each descriptor are those of the golden executor.

    Parameters
    ----------
    config : EngineConfig
    kind : str
    image : Image
    memory : uint8 array (activation_bytes,)
        Before the run.

    Attributes
    ----------
    kind : str
    image : Image
    memory : uint8 array (activation_bytes,)
    """

    def __init__(self, config, kind, image, memory):
        self.kind, self.image, self.memory, self._config = kind, image, memory, config

    @cached_property
    def golden(self):
        """The golden `Run`."""
        return Engine(self._config, self.image.to_bytes(self._config)).run(self.memory.view(np.int8))

    @property
    def jobs(self):
        """A list of `Job`."""
        return [Job(self.image, [self.memory], self.golden.cycles + PATIENCE)]

    def difference(self, runs, *, has_cycles=True):
        """In what the runs of its jobs are wrong first, a line, or None; ``has_cycles`` as of `VerilogRun`."""
        foreseen = most_cycles(self._config, self.image.program)
        if self.golden.cycles > foreseen:
            return f"the golden run must take at most {foreseen} cycles, not {self.golden.cycles}"
        return runs[0].difference(self.golden, has_cycles=has_cycles)

    @property
    def compared(self):
        """Numbers of the descriptors after which the memory is compared."""
        return [step.number for step in self.golden.steps]


class Refused:
    """A program that breaks a rule: its run ends, with a fault that fits, and writes only to targets.

    Until the first descriptor that is changed it does what the valid program did. That runs before it, perhaps after a
    fault, so that rows wait for tables that no vector has used.

    Parameters
    ----------
    config : EngineConfig
    hostile : Hostile
    base : Valid
        What it was made of.

    Attributes
    ----------
    kind : str
    image : Image
    """

    kind = "hostile"

    def __init__(self, config, hostile, base):
        self.image, self._config, self._hostile, self._base = hostile.image, config, hostile, base
        self._broken = Broken(config, self.image)
        self._broken.run()
        self._steps = [step for step in base.golden.steps if step.number < hostile.unchanged]

    @property
    def jobs(self):
        """As of `Valid`; a run that lasts is canceled."""
        return [*self._base.jobs, Job(self.image, [self._base.memory], CANCEL + PATIENCE, CANCEL)]

    def difference(self, runs):
        """As of `Valid`."""
        if len(runs) < len(self.jobs):
            return self._base.difference(runs, has_cycles=False)
        *before, run = runs
        return (self._base.difference(before, has_cycles=False) or self._difference_of_end(run) or
                run.difference_of_steps(self._steps, has_cycles=self._hostile.has_loads) or
                self._difference_of_memory(run))

    @property
    def compared(self):
        """As of `Valid`."""
        return [step.number for step in self._steps]

    def _difference_of_end(self, run):
        """The end that it must not have had."""
        rules = [(fault.name, number) for fault, number, _ in self._broken.found]
        if not run.is_complete:
            return "the run must end, and does not"
        if run.fault:
            found = run.fault.name, run.fault_number
            return None if found in rules else f"the run must have a fault of {rules}, not {found}"
        if has_ended(self.image.program, run):
            return f"the run must have a fault of {rules}, and has none" if self._broken.is_sure else None
        return None if self._foreseen() > CANCEL else f"the run must end within {self._foreseen()} cycles, and does not"

    def _foreseen(self):
        """Cycles that descriptors take at most, up to the one whose fault is sure."""
        last = max((number for _, number, is_sure in self._broken.found if is_sure), default=len(self.image.program))
        total = 0
        for each in self.image.program[:last + 1]:
            # One with a length of zero does not start.
            with suppress(ZeroDivisionError):
                total += most_cycles(self._config, [each])
        return total

    def _difference_of_memory(self, run):
        """A byte that is another than before, and in no target."""
        before = self._steps[-1].memory if self._steps else self._base.memory
        last = run.fault_number if run.fault else len(self.image.program)
        is_target = np.zeros(len(before), bool)
        for each in self.image.program[self._hostile.unchanged:last + 1]:
            is_target[each.target:each.target_limit] = True
        wrong = np.flatnonzero((run.memory != before) & ~is_target)
        return f"the run must not write to address {wrong[0]}, which is in no target" if wrong.size else None


def has_ended(program, run):
    """Whether a run came to the END of its program."""
    operations = [each.operation for each in program]
    if Operation.END not in operations:
        return False
    return len(run.ends) == sum(not each.feeds for each in program[:operations.index(Operation.END) + 1])


def cases_of(config, seeds):
    """The drawn programs of seeds, a dictionary: `Valid` ones first, because after a fault cycles are others."""
    cases = {seed: _case_of(config, seed) for seed in seeds}
    return dict(sorted(cases.items(), key=lambda item: isinstance(item[1], Refused)))


def _case_of(config, seed):
    rng = np.random.default_rng(seed)
    image, memory = draw_image(rng, config), rng.integers(0, 256, config.activation_bytes).astype(np.uint8)
    base = Valid(config, "valid", image, memory)
    if rng.integers(3) == 0:
        return base
    while True:
        hostile = draw_hostile(rng, config, image)
        try:
            Checks(config, hostile.image).run()
        except EngineError:
            return Refused(config, hostile, base)
        if most_cycles(config, hostile.image.program) <= LONGEST:
            return Valid(config, "hostile, valid", hostile.image, memory)
