"""Everything that is in the way of a network, said in one line."""

from contextlib import contextmanager

from .network import NetworkError

# Problems, and places of each, that are named; of the others only how many there are.
MOST_NAMED, MOST_PLACES = 12, 4


class Problems:
    """Collects what is in the way, each kind of it once, with its places."""

    def __init__(self):
        self._places = {}

    def __bool__(self):
        return bool(self._places)

    @contextmanager
    def of(self, place):
        """A `NetworkError` of what is done inside is kept, for a place such as ``"operator 3 (ADD)"``."""
        try:
            yield
        except NetworkError as error:
            reason = str(error).removeprefix(place)
            self._places.setdefault((place[place.find("("):], reason), []).append(place)

    def refuse(self):
        """Raise one `NetworkError`, if there is anything."""
        if not self._places:
            return
        lines = [self._line(reason, places) for (_, reason), places in self._places.items()]
        more = [f"and {len(lines) - MOST_NAMED} more of other kinds"] if len(lines) > MOST_NAMED else []
        raise NetworkError("; ".join(lines[:MOST_NAMED] + more))

    @staticmethod
    def _line(reason, places):
        if len(places) == 1:
            return places[0] + reason
        others = [place.partition(" (")[0] for place in places[1:]]
        named = ", ".join(others[:MOST_PLACES]) + (", ..." if len(others) > MOST_PLACES else "")
        return f"{places[0]}{reason} ({len(places)} times: also {named})"
