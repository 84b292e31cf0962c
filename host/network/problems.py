"""Everything that is in the way of a network, said in one line."""

from contextlib import contextmanager

from .network import NetworkError

# Locations of a problem that are named; of the others only how many there are.
MAX_LOCATIONS = 4


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
            self._locations.setdefault((location[location.find("("):], reason), []).append(location)

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
        others = [location.partition(" (")[0] for location in locations[1:]]
        named = ", ".join(others[:MAX_LOCATIONS]) + (", ..." if len(others) > MAX_LOCATIONS else "")
        return f"{locations[0]}{reason} ({len(locations)} times: also {named})"
