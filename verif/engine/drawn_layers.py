"""Drawn layers: fields of one descriptor, or of two that belong together, which may break a rule."""

from ...golden.engine.checks import SUMMED_WORDS, WINDOW
from ...golden.engine.descriptor import RANGES, Flags, Operation
from ...golden.requantize import ROUNDINGS, SHIFTS
from .drawn_tensors import DrawnTensors, Tensor


class DrawnLayers(DrawnTensors):
    """Layers of all kinds that an engine has; each is a list of fields by name, of which some do not matter.

    Parameters
    ----------
    rng : numpy.random.Generator
    config : EngineConfig
    image : Image
        Of which they take rows of tiles, and slots of parameters.

    Attributes
    ----------
    kinds : list of callable
        Each draws a layer that has not to be the last; some are there twice.
    """

    def __init__(self, rng, config, image):
        super().__init__(rng, config)
        self._rows, self._slots = len(image.tiles), len(image.parameters)
        self.kinds = [self.convolution, self.convolution, self.convolution_with_sums, self.pool, self.sum_of_two]
        if config.depthwise:
            self.kinds += [self.depthwise, self.depthwise_that_feeds]

    def end(self):
        """The END."""
        depth = self.deep()
        return [{"operation": Operation.END, "depth": depth, **self.places(source=Tensor(1, 1, depth, 0, 0, depth))}]

    def sum_of_two(self):
        """An ADD."""
        height, width, channels = self.small(8), self.small(8), self.deep()
        source, target = (self.tensor(height, width, channels) for _ in range(2))
        return [{"operation": Operation.ADD, "flags": self.one_of(0, Flags.SCALES_OWN), "depth": 1,
                 "source_height": height, "source_width": width, **self._places_with_residual(source, target),
                 **self._results(target), **self._sums()}]

    def pool(self):
        """A POOL of windows: of sums within the source, of the greatest also partly beside it."""
        channels, is_greatest = self.deep(), not self.is_one_of(2)
        source = self.tensor(self.small(12), self.small(12), channels)
        windows, size = self._windows_that_see(source, self.small(min(4, source.height)),
                                               self.small(min(4, source.width)), is_greatest)
        target = self.tensor(*size, channels)
        return [{"operation": Operation.POOL, "flags": Flags.MAXIMUM * is_greatest, **windows,
                 **self.places(source=source, target=target), **self._results(target), **self._sums()}]

    def convolution(self, channels=None, flags=0):
        """A CONV, of so many channels if it is said."""
        config, lanes = self._config, self._config.lanes
        source = self.tensor(self.small(8), self.small(12), self.deep())
        down = self.small(config.slots)
        across = self.small(config.slots // down)
        slots = config.slots // (down * across)
        channels = channels or self.between(1, lanes * self.between(1, 2 * slots + 1))
        outputs = self.between(channels, channels + 20) if self.is_one_of(3) else lanes * self.between(1, slots)
        target = self.tensor(self.small(8), self.small(8), channels)
        # Of deep pixels smaller ones, which do not take too long.
        most = 4 if source.depth < 2 * config.macro.rows else 2
        windows = self.windows(source, self.small(most), self.small(most))
        rows = windows["tall"] * windows["wide"] * source.depth
        adds = self.is_one_of(3)
        flags |= self.one_of(0, Flags.UNSIGNED) | (self.one_of(0, Flags.SCALES_OWN) | Flags.RESIDUAL) * adds
        places = self._places_with_residual(source, target) if adds else self.places(source=source, target=target)
        return [{"operation": Operation.CONV, "flags": flags, **windows, **places, **self._results(target),
                 **(self._sums() if adds else {}), "outputs": outputs, "block_height": down,
                 "block_width": across, "split": self.between(0, 1),
                 "part_rows": self.one_of(min(config.macro.rows, rows), self.between(1, config.macro.rows)),
                 "strip": self.one_of(self.between(1, 8), self.any_of("strip"), RANGES["strip"][1])}]

    def convolution_with_sums(self):
        """A CONV, and the POOL that takes the sums of its results."""
        channels = self.between(1, SUMMED_WORDS * self._config.lanes // self.one_of(1, 4))
        target = self.tensor(1, 1, channels)
        pool = {"operation": Operation.POOL, "flags": Flags.SUMS, **self.windows(target, 1, 1),
                **self.places(target=target), **self._results(target), **self._sums()}
        return [*self.convolution(channels, Flags.SUMS), pool]

    def depthwise(self, flags=0):
        """A DEPTHWISE by itself."""
        config, lanes = self._config, self._config.lanes
        channels = self.between(1, config.most_depthwise_channels)
        source = self.tensor(self.small(8), self.small(8), channels, 1 << self.between(0, lanes.bit_length() - 1))
        # Rows are an odd number of words apart.
        pitch = (-(-source.pitch // lanes) | 1) * lanes
        source = source._replace(pitch=pitch, size=source.size + (source.height - 1) * (pitch - source.pitch))
        windows, size = self._windows_that_see(source, self.between(1, WINDOW), self.between(1, WINDOW), True, 2)
        target = self.tensor(*size, channels)
        return [{"operation": Operation.DEPTHWISE, "flags": flags, **windows,
                 **self.places(lanes, source=source, target=target), **self._results(target),
                 "weights": self.between(0, self._rows - 9)}]

    def depthwise_that_feeds(self):
        """A DEPTHWISE, and the CONV whose vectors are its results."""
        (feeder,), (fields,) = self.depthwise(Flags.FEEDS), self.convolution()
        names = [f"{part}_{side}" for part in ("source", "target") for side in ("limit", "pitch", "pixel")]
        image = {name: feeder[name] for name in ("source", "target", "target_height", "target_width", *names)}
        tensor = self.tensor(feeder["target_height"], feeder["target_width"], fields["channels"])
        image |= {"target_pitch": tensor.pitch, "target_pixel": tensor.pixel}
        image["target_limit"] = feeder["target"] + tensor.size
        rows = feeder["channels"]
        return [feeder | {"target_limit": image["target_limit"]}, fields | image | {
            "flags": fields["flags"] & Flags.UNSIGNED, "tall": 1, "wide": 1, "depth": rows,
            "outputs": self.between(fields["channels"], fields["channels"] + 3), "block_height": 1, "block_width": 1,
            "part_rows": self.between(rows, self._config.macro.rows), "strip": RANGES["strip"][1]}]

    # What operations have in common.

    def _windows_that_see(self, source, tall, wide, is_beside, step=RANGES["step_y"][1]):
        """Fields of windows, and how many there are down and across: each sees the source, or is within it."""
        windows, counts = self.windows(source, tall, wide), []
        for length, reach, start, name in ((source.height, tall, "top", "step_y"),
                                           (source.width, wide, "left", "step_x")):
            beside = (reach - 1) * is_beside
            windows[name] = min(windows[name], step)
            windows[start] = self.between(-beside, length - reach + beside)
            last = self.small(8) - 1
            counts.append(1 + min(last, (length - reach + beside - windows[start]) // windows[name]))
        return windows, counts

    def _places_with_residual(self, source, target):
        """Source, target, and what is added: in the target's place, or apart."""
        if self.is_one_of(2):
            return self.places(source=source, target=target, residual=self.tensor(*target[:3]))
        fields = self.places(source=source, target=target)
        return fields | {f"residual{part}": fields[f"target{part}"] for part in ("", "_limit", "_pitch", "_pixel")}

    def _range(self, low, high):
        """Values of two fields: mostly those of int8."""
        return dict(zip((low, high), sorted(self.any_of(low) for _ in range(2)) if self.is_one_of(4) else RANGES[low]))

    def _results(self, target):
        """Fields of the lanes, and of the target's size."""
        config, channels = self._config, target.depth
        slots = -(-channels // config.lanes)
        return {"target_height": target.height, "target_width": target.width, "channels": channels,
                "rounding": self.between(0, len(ROUNDINGS) - 1), "zero_point": self.any_of("zero_point"),
                "parameters": self.between(0, self._slots - slots), **self._range("low", "high")}

    def _sums(self):
        """Fields of sums of two, and of what a POOL gives."""
        names = ("own_zero", "other_zero", "sum_zero")
        return {**{name: self.any_of(name) for name in names}, **self._range("sum_low", "sum_high"),
                "sum_slot": self.between(0, self._slots - 1),
                "term_shift": self.between(self.one_of(SHIFTS[0], -4, -4), 0),
                "term_multiplier": self.between(0, RANGES["term_multiplier"][1])}
