"""Bitcells in a macro: one row decoder for all columns."""

from amaranth.hdl import signed
from amaranth.lib import data

from .adder_tree import TREE_COMPONENTS
from .bitcell_columns import BitcellColumns, bitcell_write_layout
from .gateware import Gateware
from .row_decoder import RowDecoder


class Bitcells(Gateware):
    """Gateware of bitcell columns; the row decoder registers all writes."""

    component = BitcellColumns

    def column_write_layout(self, shape, columns):
        return bitcell_write_layout(shape, columns)

    def connect_columns(self, m, columns, bank, calibrate):
        m.d.comb += columns.bank.eq(bank)

    def active_low(self, config):
        return TREE_COMPONENTS[config.tree].active_low

    def add_writers(self, m, platform, config, write, control, in_order=False):
        payload = write.payload
        decoder = platform.instantiate(m, "row_decoder", "row_decoder", RowDecoder, rows=config.rows,
                                       banks=config.banks, width=config.columns * config.weight_bits,
                                       active_low=self.active_low(config))
        m.d.comb += [
            write.ready.eq(control.write_ready),
            control.write_bank.eq(payload.bank),
            decoder.enable.eq(write.valid & write.ready),
            decoder.row.eq(payload.row),
            decoder.bank.eq(payload.bank),
            decoder.weights.eq(payload.weights),
        ]
        weights = data.ArrayLayout(signed(config.weight_bits), config.columns)
        fields = {"wordline": decoder.wordline, "bank": decoder.write_bank,
                  "weights": data.View(weights, decoder.write_weights)}
        return dict.fromkeys(config.shapes, fields)
