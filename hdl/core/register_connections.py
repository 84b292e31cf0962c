"""Connections between a core's registers and its blocks: settings one way, status, events and counts the other."""

from amaranth.hdl import Cat, Mux, Signal
from amaranth.lib import wiring

from ...golden.march_tests import PROGRAMS


def connect_vectors(m, core, registers, test, vectors):
    """How vectors are computed: by the registers, or for the self-test without accumulation."""
    settings, chosen, vector = vectors.vector_settings, test.takeover.active, registers.vector
    m.d.comb += [
        settings.bits.eq(Mux(chosen, Mux(test.dense, core.config.macro.input_bits, 1), vector.bits.data)),
        settings.signed.eq(Mux(chosen, test.dense, vector.is_signed.data)),
        settings.bank.eq(Mux(chosen, test.bank, vector.bank.data)),
        settings.set.eq(Mux(chosen, 0, vector.set.data)),
        settings.accumulate_count.eq(Mux(chosen, 1, registers.accumulate.count.data)),
        vectors.restart.eq(registers.accumulate.written),
        vectors.no_accumulate.eq(chosen),
        vectors.flush.eq(test.takeover.abort),
    ]


def connect_loader(m, core, registers, test, loader):
    """Where the loader stores: as the registers say, or in the row of the self-test."""
    target, chosen, load = loader.target, test.takeover.active, registers.load
    # No packet goes on in the cycle in which they change, in which a restart needs the first row.
    m.d.sync += [
        target.words.eq(~chosen & load.words.data),
        target.bank.eq(Mux(chosen, test.bank, load.bank.data)),
        # From the first cycle of the lock on.
        loader.locked.eq(registers.lock.locked.next & ~chosen),
    ]
    m.d.comb += [
        target.first.eq(Mux(chosen, test.row, load.first.data)),
        loader.restart.eq(load.written | test.forget),
        loader.word.eq(registers.load_data.word.data),
        loader.word_valid.eq(registers.load_data.written & ~chosen),
    ]
    if core.config.requantizes:
        m.d.sync += [target.parameters.eq(~chosen & load.parameters.data), target.set.eq(~chosen & load.set.data)]


def connect_requantizer(m, registers, tracker, requantizer):
    """Settings of all columns, of both sets; busy while a vector uses the set."""
    sets = ((registers.offset_0, registers.clamp_0), (registers.offset_1, registers.clamp_1))
    for index, (offset, clamp) in enumerate(sets):
        settings = requantizer.settings[index]
        m.d.comb += [
            settings.rounding.eq(offset.rounding.data),
            settings.zero_point.eq(offset.zero_point.data),
            settings.low.eq(clamp.low.data),
            settings.high.eq(clamp.high.data),
            offset.busy.eq(tracker.set_used[index]),
            clamp.busy.eq(tracker.set_used[index]),
        ]


def connect_self_test(m, registers, test):
    """Commands to the self-test, and its result."""
    commands = {"zeroize": registers.control.zeroize, "march_c_minus": registers.self_test.march_c_minus,
                "march_ss": registers.self_test.march_ss, "known_answers": registers.self_test.known_answers}
    # Registers, as much depends on them.
    m.d.sync += test.start.eq(0)
    for number, name in enumerate(PROGRAMS):
        with m.If(commands[name].data):
            m.d.sync += [test.start.eq(1), test.program.eq(number)]
    m.d.comb += [
        registers.control.busy.eq(test.running),
        registers.self_test.busy.eq(test.running),
        registers.fault.busy.eq(test.running),
        registers.status.running.data.eq(test.running),
        registers.status.failed.data.eq(test.failed & ~test.running),
        registers.status.passed.data.eq(test.passed),
        registers.status.zeroized.data.eq(test.zeroized),
        registers.fault.row.data.eq(test.fault.row),
        registers.fault.column.data.eq(test.fault.column),
        registers.fault.bank.data.eq(test.fault.bank),
    ]


def is_testing(test):
    """Whether a program runs, or will in the next cycle: so registers say it in the cycle in which it does."""
    return test.start | test.running


def connect_idle(m, registers, vectors, tracker, packer, test):
    """Whether the core is idle."""
    idle = Signal(init=1)
    m.d.sync += idle.eq(tracker.empty & ~packer.busy & ~is_testing(test) & ~vectors.within)
    m.d.comb += registers.status.idle.data.eq(idle)


def connect_errors(m, registers, vectors, loader, takeover, errors):
    """Errors of the streams, of accesses and of the lock, and the register that has their code and count."""
    was_aborting = Signal()
    m.d.sync += was_aborting.eq(takeover.abort)
    wiring.connect(m, vectors.faults, errors.vector)
    wiring.connect(m, loader.faults, errors.load)
    m.d.comb += [
        errors.muted.eq(takeover.active),
        errors.locked.eq(loader.refused),
        errors.aborted.eq(takeover.abort & ~was_aborting),
    ]
    connect_error_register(m, registers, errors)


def connect_error_register(m, registers, errors):
    """Errors of accesses, and the register of any core that has the code and count of all."""
    m.d.comb += [
        errors.access.eq(registers.access_error),
        errors.clear.eq(registers.control.clear_error.data),
        registers.error.code.data.eq(errors.code),
        registers.error.count.data.eq(errors.count),
    ]


def connect_status(m, core, registers, loader, tracker, test):
    """Status of loading, and which registers are busy."""
    status, load_data, rows = registers.status, registers.load_data, core.s_axis_w
    # An item that waits belongs to its packet, unless it came by words.
    within = loader.within | loader.pending & ~registers.load.words.data
    if core.config.dma:
        # A packet that it has not read yet counts.
        within = within | core.dma.weights.active | core.dma.weights.start
    # A packet that waits may begin in this cycle.
    loading = within | rows.valid & ~registers.load.words.data
    # Registers: accesses are rare, a word that is written is seen before the next one, and no packet begins in the
    # cycle that decides about a write of `load`.
    load_busy, word_busy = Signal(init=1), Signal(init=1)
    m.d.sync += [
        load_busy.eq(loading | is_testing(test)),
        word_busy.eq(~loader.word_ready | is_testing(test)),
        status.loading.data.eq(loading),
        status.load_ready.data.eq(loader.word_ready & ~is_testing(test) & ~registers.lock.locked.data),
    ]
    m.d.comb += [
        status.set_used.data.eq(tracker.set_used),
        loader.set_used.eq(tracker.set_used),
        registers.load_index.index.data.eq(loader.index),
        registers.load.busy.eq(load_busy),
        load_data.busy.eq(word_busy),
    ]


def connect_events(m, core, registers, loader, test, errors):
    """Events, and the interrupt; that of the checksum comes from its check."""
    status, enable, results = registers.interrupt_status, registers.interrupt_enable, core.m_axis
    was_loaded = Signal()
    had_result = Signal()
    m.d.sync += [was_loaded.eq(loader.loaded & ~test.takeover.active),
                 had_result.eq(results.valid & results.payload.last & results.ready)]
    m.d.comb += [
        status.error.set.eq(errors.happens),
        status.loaded.set.eq(was_loaded),
        status.result.set.eq(had_result),
        status.finished.set.eq(test.done),
    ]
    events = [(status.error, enable.error), (status.result, enable.result), (status.loaded, enable.loaded),
              (status.finished, enable.finished)]
    if core.config.checksum:
        events.append((status.checksum, enable.checksum))
    if core.config.dma:
        events.append((status.transferred, enable.transferred))
    connect_interrupt(m, core, events)


def connect_interrupt(m, core, events):
    """The interrupt of any core: some event, of pairs with what enables it, has happened."""
    m.d.sync += core.irq.eq(Cat(event.data & enabled.data for event, enabled in events).any())


def connect_dma(m, core, registers, loader, errors):
    """Transfers of the DMA: what to move where, progress, errors, and the event of their end."""
    dma, stop, status = core.dma, registers.dma_stop, registers.dma_status
    # Rows that are given to the loader are stored before their transfer ends, unless it ends early.
    storing = Signal()
    with m.If(dma.weights.start):
        m.d.sync += storing.eq(1)
    with m.Elif(dma.weights.cancel | dma.weights.failed | ~(dma.weights.busy | loader.pending)):
        m.d.sync += storing.eq(0)
    connect_channel(m, dma.vectors, stop.vectors, status.vectors_busy, status.vectors_failed,
                    registers.dma_vectors_address, registers.dma_vectors_beats, registers.dma_vectors_left)
    connect_channel(m, dma.weights, stop.weights, status.weights_busy, status.weights_failed,
                    registers.dma_weights_address, registers.dma_weights_beats, registers.dma_weights_left,
                    storing & loader.pending)
    connect_channel(m, dma.results, stop.results, status.results_busy, status.results_failed,
                    registers.dma_results_address, registers.dma_results_beats, registers.dma_results_left)
    if core.config.dma > 32:
        for channel, high, busy in (
                (dma.vectors, registers.dma_vectors_address_high, status.vectors_busy),
                (dma.weights, registers.dma_weights_address_high, status.weights_busy),
                (dma.results, registers.dma_results_address_high, status.results_busy)):
            m.d.comb += [channel.address[32:].eq(high.address.data), high.busy.eq(busy.data)]
    busy, were_busy = Cat(status.vectors_busy.data, status.weights_busy.data, status.results_busy.data), Signal(3)
    m.d.sync += were_busy.eq(busy)
    m.d.comb += [
        registers.interrupt_status.transferred.set.eq((were_busy & ~busy).any()),
        errors.dma_wrong.eq(dma.vectors.wrong | dma.weights.wrong | dma.results.wrong),
        errors.dma_late.eq(dma.vectors.late | dma.weights.late | dma.results.late),
    ]


def connect_channel(m, channel, stop, busy, failed, address, beats, left, lasts=0):
    """A channel of the DMA and its registers and fields; it is busy while it ``lasts``, too."""
    m.d.comb += [
        channel.start.eq(beats.written),
        channel.cancel.eq(stop.data),
        channel.address[:32].eq(address.address.data),
        channel.beats.eq(beats.beats.data),
        left.beats.data.eq(channel.left),
        failed.data.eq(channel.failed),
        busy.data.eq(channel.busy | channel.start | lasts),
        address.busy.eq(busy.data),
        beats.busy.eq(busy.data),
    ]


def connect_counters(m, core, registers, entered, performance):
    """What is counted in any core, and the registers that have the counts."""
    had_entered = Signal()
    m.d.sync += had_entered.eq(entered)
    m.d.comb += [
        performance.clear.eq(registers.control.clear_counters.data),
        performance.vector.eq(had_entered),
        performance.input_stall.eq(core.s_axis.valid & ~core.s_axis.ready),
        performance.output_stall.eq(core.m_axis.valid & ~core.m_axis.ready),
        registers.cycles.count.data.eq(performance.cycles),
        registers.vectors.count.data.eq(performance.vectors),
        registers.input_stalls.count.data.eq(performance.input_stalls),
        registers.output_stalls.count.data.eq(performance.output_stalls),
    ]


def connect_skipped(m, registers, vectors, performance):
    """Planes that the macro skips of a vector, known when it is counted."""
    m.d.comb += [performance.skipped.eq(Mux(performance.vector, vectors.skipped, 0)),
                 registers.planes_skipped.count.data.eq(performance.planes_skipped)]
