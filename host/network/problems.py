"""Everything that is in the way of a network, said in one line."""

from contextlib import contextmanager

from .network import NetworkError


class Problems:
    """Collects what is in the way, each kind of it once, with its locations."""

    def __init__(self):
        self._locations = {}

    def __bool__(self):
        return bool(self._locations)

    @contextmanager
    def of(self, location):
        """A `NetworkError` of what is done inside is kept, for a location such as ``"operator 3 (ADD)"``."""
        try:
            yield
        except NetworkError as error:
            reason = str(error).removeprefix(location)
            self._locations.setdefault((location.partition(" (")[2], reason), []).append(location)

    def refuse(self):
        """Raise one `NetworkError`, if there is anything."""
        if not self._locations:
            return
        raise NetworkError("; ".join(self._line(reason, locations)
                                     for (_, reason), locations in self._locations.items()))

    @staticmethod
    def _line(reason, locations):
        if len(locations) == 1:
            return locations[0] + reason
        others = [location.partition(" (")[0].rpartition(" ") for location in locations[1:]]
        if all(number.isdigit() for _, _, number in others):
            named = f"{others[0][0]} {runs_of([int(number) for _, _, number in others])}"
        else:
            named = ", ".join(locations[1:])
        return f"{locations[0]}{reason} ({len(locations)} times: also {named})"


def runs_of(numbers):
    """Numbers as text, those that follow one another as the first and the last: ``"1, 4 to 7"``."""
    runs = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}{' to ' if len(run) > 2 else ', '}{run[-1]}"
                     for run in runs)
