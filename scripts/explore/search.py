"""The search: macros that are tried, and those that no other one beats."""

from dataclasses import dataclass
from functools import cache

from ...hdl.config import MacroConfig
from ...host.mapping.mapping import Mapping
from ...host.mapping.schedule import plan
from ...host.network.files.load import load_network
from ..common.jobs import completed
from ..common.progress import running
from .space import macro

# Of a macro: cycles of one inference, without skipped planes; what it takes on its target; energy of one inference, if
# each cycle took what cycles with random data do; and its time, at the shortest clock period.
OBJECTIVES = ("cycles", "area", "energy", "time")
PER_CYCLE = OBJECTIVES[2:]
# Macros of a generation.
POPULATION = 100


@dataclass(frozen=True)
class Candidate:
    """A macro with its cycles for an inference, and its predicted area, energy and time in units of its target."""

    config: MacroConfig
    cycles: int
    area: float
    energy: float | None = None
    time: float | None = None


@cache
def _network(path):
    return load_network(path)


def evaluate(job):
    """Number and cycles of a job (number, macro, path of a network); None for a macro that cannot run it."""
    number, config, path = job
    try:
        return number, plan(Mapping(config, _network(path))).cycles
    except ValueError:
        return number, None


def search(path, choices, fits, objectives, *, trials, seed, jobs, max_area=None, scheduler=None):
    """Try macros, each generation from the best of those before it (NSGA-II).

    Parameters
    ----------
    path : str
        A network.
    choices : dict
        Of a `Target`.
    fits : dict of str to Fit
        Of the area, and of the energy and time of a cycle where the target has them.
    objectives : list of str
        Of `OBJECTIVES`; each is minimized.
    trials : int
        Macros to try; one that is drawn again counts, and is not computed again.
    seed, jobs : int
    max_area : float, optional
        Larger macros are not tried.
    scheduler : str, optional
        As of `completed`.

    Returns
    -------
    list of Candidate
        All different ones that run the network.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["minimize"] * len(objectives), sampler=optuna.samplers.NSGAIISampler(
        population_size=POPULATION, seed=seed))
    asked, found, failed = {}, {}, optuna.trial.TrialState.FAIL

    def tell(trial, config):
        candidate = found[config]
        if candidate is None:
            study.tell(trial, state=failed)
        else:
            study.tell(trial, [getattr(candidate, name) for name in objectives])

    def todo():
        for _ in range(trials):
            trial = study.ask()
            config = macro({name: trial.suggest_categorical(name, values) for name, values in choices.items()})
            if max_area and fits["area"].predict(config) > max_area:
                found.setdefault(config, None)
            if config in found:
                tell(trial, config)
                continue
            asked[trial.number] = trial, config
            yield trial.number, config, path

    with running("macros", trials) as progress:
        for number, cycles in completed(evaluate, todo(), jobs, scheduler):
            trial, config = asked.pop(number)
            found[config] = cycles and Candidate(
                config, cycles, fits["area"].predict(config),
                **{name: cycles * fits[name].predict(config) for name in PER_CYCLE if name in fits})
            tell(trial, config)
            progress(len(study.trials))
    return [candidate for candidate in found.values() if candidate]


def front(candidates, objectives):
    """Those that no other one beats: each other is worse in an objective, or the same in all; by the first."""

    def values(candidate):
        return [getattr(candidate, name) for name in objectives]

    best = []
    for candidate in sorted(candidates, key=values):
        if all(any(one < other for one, other in zip(values(candidate), values(each))) for each in best):
            best.append(candidate)
    return best
