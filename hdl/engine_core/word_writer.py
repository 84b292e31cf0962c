"""Word writer: words of a register into the memories of an engine, with addresses that count up."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.engine.descriptor import SIZE
from ..engine.control.image_words import Section, word_members
from .register_map import ITEM_BITS

WORD_BYTES = 4


def words_of(config):
    """For each section words of an item, its items, and by how much the number of an item rises."""
    return {
        Section.PROGRAM: (SIZE // WORD_BYTES, config.program_length, 1),
        Section.LOADS: (1, config.load_entries, 1),
        Section.TILES: (config.columns // WORD_BYTES, 0 if config.weight_port else config.tile_rows, 1),
        Section.PARAMETERS: (3, config.parameter_slots * config.lanes, 1),
        Section.ACTIVATIONS: (1, config.activation_bytes - WORD_BYTES + 1, WORD_BYTES),
    }


class WordWriter(wiring.Component):
    """Gives each word its section, item and part.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    restart : ``In(1)``
        For a cycle: the next word is the first of an item.
    first_section : ``In(Section)``
        With ``restart``: its section.
    first_item : ``In(24)``
        With ``restart``: that item.
    write : ``In(1)``
        For a cycle, not with ``restart``, nor while ``is_full``: a word.
    is_full : ``Out(1)``
        There is no item for the next word; two cycles after ``restart`` or ``write``.
    section : ``Out(Section)``
        Where it goes.
    item : ``Out(24)``
        Which of its items.
    part : ``Out(8)``
        Which word of the item.
    """

    def __init__(self, *, config):
        self.config = config
        outputs = {name: Out(word_members()[name].shape) for name in ("section", "item", "part")}
        super().__init__({"restart": In(1), "first_section": In(Section), "first_item": In(ITEM_BITS), "write": In(1),
                          "is_full": Out(1), **outputs})

    def elaborate(self, platform):
        m = Module()
        is_last, beyond, step = Signal(), Signal(), Signal(range(WORD_BYTES + 1))
        with m.Switch(self.section):
            for section, (words, items, rise) in words_of(self.config).items():
                with m.Case(section):
                    # A section that is in the memory outside has no items here, so all are beyond.
                    m.d.comb += [is_last.eq(self.part == words - 1), beyond.eq(self.item >= items if items else 1),
                                 step.eq(rise)]
        m.d.sync += self.is_full.eq(beyond)
        with m.If(self.restart):
            m.d.sync += [self.section.eq(self.first_section), self.item.eq(self.first_item), self.part.eq(0)]
        with m.Elif(self.write):
            m.d.sync += [self.part.eq(Mux(is_last, 0, self.part + 1)),
                         self.item.eq(Mux(is_last, self.item + step, self.item))]
        return m
