"""Cells that a placement has left far from their nets, moved to free sites that are nearer."""

from collections import defaultdict

PASSES = 8
# A net of more ends says little about where one of them should be.
MOST_ENDS = 40
# Rows above and below the best one that are looked at.
NEAR = 3


class Refinement:
    """Places of cells, and the free sites between them.

    Parameters
    ----------
    places : dict of str to (int, int)
        Row and first site of each cell; is changed.
    widths : dict of str to int
        Sites of each cell.
    rows, total : int
        Number of rows, and of sites in each.
    nets : list of (list of str, list of (float, float))
        Cells on each net, and points that it must reach.
    site, height : float
        Of a site and of a row, in the unit of the points.
    """

    def __init__(self, places, widths, rows, total, nets, site, height):
        self.places, self.widths, self.site, self.height = places, widths, site, height
        self._free = [bytearray(b"\1" * total) for _ in range(rows)]
        for name in places:
            self._mark(name, 0)
        self._nets = [net for net in nets if len(net[0]) + len(net[1]) <= MOST_ENDS]
        self._of = defaultdict(list)
        for index, (cells, _) in enumerate(self._nets):
            for name in dict.fromkeys(cells):
                self._of[name].append(index)

    def _mark(self, name, value):
        row, place = self.places[name]
        self._free[row][place:place + self.widths[name]] = bytes([value]) * self.widths[name]

    def _middle(self, name, place):
        return (place[1] + self.widths[name] / 2) * self.site, (place[0] + 0.5) * self.height

    def length(self):
        """Half the circumference of the boxes around all nets."""
        total = 0.0
        for cells, points in self._nets:
            ends = [*points, *(self._middle(name, self.places[name]) for name in cells)]
            total += sum(max(axis) - min(axis) for axis in zip(*ends))
        return total

    def run(self):
        """Move each cell to the free place at which its nets are shortest, several times."""
        for _ in range(PASSES):
            for name in list(self.places):
                boxes = self._boxes(name)
                if boxes:
                    self._move(name, boxes)

    def _boxes(self, name):
        """(x0, x1, y0, y1) around the other ends of each net of a cell."""
        boxes = []
        for index in self._of[name]:
            cells, points = self._nets[index]
            ends = [*points, *(self._middle(other, self.places[other]) for other in cells if other != name)]
            if ends:
                xs, ys = zip(*ends)
                boxes.append((min(xs), max(xs), min(ys), max(ys)))
        return boxes

    def _move(self, name, boxes):
        def cost(place):
            x, y = self._middle(name, place)
            return sum(max(0.0, x0 - x, x - x1) + max(0.0, y0 - y, y - y1) for x0, x1, y0, y1 in boxes)

        width = self.widths[name]
        # The median of all edges is as good as any place can be.
        x, y = (sorted(edge for box in boxes for edge in box[axis:axis + 2])[len(boxes)] for axis in (0, 2))
        self._mark(name, 1)
        wanted = max(0, min(round(x / self.site - width / 2), len(self._free[0]) - width))
        middle = int(y / self.height)
        found = [self.places[name]]
        for row in range(max(0, middle - NEAR), min(len(self._free), middle + NEAR + 1)):
            room = b"\1" * width
            found += [(row, place) for place in (self._free[row].find(room, wanted),
                                                 self._free[row].rfind(room, 0, wanted + width)) if place >= 0]
        self.places[name] = min(found, key=cost)
        self._mark(name, 0)
