"""The gateware of every kind of column; each kind has a file of its own, and `kinds` lists them."""


class Gateware:
    """What a macro and its blocks ask of a kind of column. A macro's own columns are of one kind.

    Attributes
    ----------
    component : type
        Columns without their accumulators: parameters ``config``, ``shape`` and ``columns``; members ``enable``,
        ``plane``, ``sums``, and those of ``bank``, ``calibrate`` and ``write`` that it needs.
    registered : tuple of str
        Fields of ``write`` that a block registers for its columns.
    """

    component = None
    registered = ()

    def column_write_layout(self, shape, columns):
        """What a block of columns is given to write; None for one that nothing is written to."""
        return None

    def active_low(self, config):
        """Whether a one on the wordlines is a low level."""
        return False

    def add_planes(self, m, platform, config, plane):
        """The wordlines as each shape takes them: a dict."""
        return dict.fromkeys(config.shapes, plane)

    def add_writers(self, m, platform, config, write, control):
        """What writes to the columns, between the stream of weights and the blocks; nothing to those not written to.

        Parameters
        ----------
        m, platform : Module, Platform
        config : MacroConfig
        write : stream
        control : Controller

        Returns
        -------
        dict of Shape to (dict of str to Value)
            The fields of `column_write_layout` for all columns of a shape.
        """
        return {}
