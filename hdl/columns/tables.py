"""Tables in a macro: writers for each kind of memory, and an encoder of planes for LUT-RAM."""

from amaranth.hdl import Cat, Signal, Value

from .gateware import Gateware
from .offset_encoder import OffsetEncoder
from .table_columns import TableColumns, entry_layout
from .table_writer import TableWriter, join_writes


class Tables(Gateware):
    """Gateware of table columns."""

    component = TableColumns
    registered = ("select", "address", "bank")

    def column_write_layout(self, shape, columns):
        return entry_layout(shape, columns)

    def connect_columns(self, m, columns, bank, calibrate):
        m.d.comb += [columns.bank.eq(bank), columns.calibrate.eq(calibrate)]

    def add_planes(self, m, platform, config, plane):
        planes = super().add_planes(m, platform, config, plane)
        for shape in config.shapes:
            if shape.is_offset:
                encoder = platform.instantiate(m, "encoder", "encoder", OffsetEncoder, shape=shape)
                m.d.comb += encoder.plane.eq(plane)
                planes[shape] = encoder.codes
        return planes

    def add_writers(self, m, platform, config, write, control, in_order=False):
        payload = write.payload
        taken = Signal()
        m.d.comb += [
            taken.eq(write.valid & write.ready),
            control.write_bank.eq(payload.bank),
            control.write_taken.eq(taken),
        ]
        writes, all_writers, first = {}, [], 0
        for shape, columns in config.shapes.items():
            weights = payload.weights[first:first + columns]
            writers = [self._add_writer(m, platform, shape=shape, columns=columns, index=index, in_order=in_order)
                       for index in range(shape.writers)]
            for writer in writers:
                m.d.comb += [
                    writer.taken.eq(taken),
                    writer.row.eq(payload.row),
                    writer.bank.eq(payload.bank),
                    Value.cast(writer.weights).eq(Value.cast(weights)),
                    writer.wanted.eq(control.wanted),
                    writer.wanted_bank.eq(control.wanted_bank),
                ]
            writes[shape] = join_writes(m, shape, columns, writers)
            all_writers += writers
            first += columns
        m.d.comb += [
            write.ready.eq(control.write_ready & Cat(writer.ready for writer in all_writers).all()),
            control.busy.eq(Cat(writer.busy for writer in all_writers).any()),
        ]
        return writes

    @staticmethod
    def _add_writer(m, platform, *, shape, index, **parameters):
        name = f"{shape.storage}_writer" + (f"_{index}" if index else "")
        return platform.instantiate(m, name, name, TableWriter, shape=shape, index=index, **parameters)
