"""The gateware of every kind of column; each kind has a file of its own, and `kinds` lists them."""


class Gateware:
    """Interface of a kind of column to a macro and its blocks. All columns of a macro but that of ones have one kind.

    Attributes
    ----------
    component : type
        Columns without their accumulators: parameters ``config``, ``shape`` and ``columns``; members ``enable``,
        ``plane``, ``sums``, ``write`` if it has a layout, and those that `connect_columns` connects.
    registered : tuple of str
        Fields of ``write`` that a block registers for its columns.
    """

    component = None
    registered = ()

    def column_write_layout(self, shape, columns):
        """Layout of the write port of a block of columns; None if nothing is written to it."""
        return None

    def connect_columns(self, m, columns, bank, calibrate):
        """Connect columns in their block to the control signals that this kind needs; see `ColumnBlock`."""

    def active_low(self, config):
        """Whether the wordlines are active low."""
        return False

    def add_planes(self, m, platform, config, plane):
        """Wordlines in the form that each shape needs: a dict."""
        return dict.fromkeys(config.shapes, plane)

    def add_writers(self, m, platform, config, write, control, in_order=False):
        """Add the logic between the stream of weights and the write ports of the blocks.

        Parameters
        ----------
        m, platform : Module, Platform
        config : MacroConfig
        write : stream
        control : Controller
        in_order : bool
            As of `Macro`.

        Returns
        -------
        dict of Shape to (dict of str to Value)
            The fields of `column_write_layout` for all columns of a shape.
        """
        return {}
