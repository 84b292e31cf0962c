/* Driver of a Bitline core, in C99 without a library. SPDX-License-Identifier: Apache-2.0 */

#include "bitline_core.h"

#include <stddef.h>

#include "bitline_core_errors.h"
#include "bitline_core_registers.h"

/* The register header has one structure, whose members are at the offsets of the registers. */
#define READ(core, name) BITLINE_CORE_READ((core)->base + offsetof(bitline_core_t, name))
#define WRITE(core, name, value) BITLINE_CORE_WRITE((core)->base + offsetof(bitline_core_t, name), (value))

#define GET(word, field) (((word) & (BITLINE_CORE__##field##_bm)) >> (BITLINE_CORE__##field##_bp))
#define PUT(value, field) (((uint32_t)(value) << (BITLINE_CORE__##field##_bp)) & (BITLINE_CORE__##field##_bm))

static const uint32_t POLLS = 10000000u;
static const unsigned REPEATS = 2;

int bitline_core_init(struct bitline_core *core, uintptr_t base)
{
    uint32_t shape, widths, capacity, streams;

    core->base = base;
    core->polls = POLLS;
    core->repeats = REPEATS;
    core->rows = core->columns = core->banks = 0;
    if (READ(core, identity) != BITLINE_CORE__IDENTITY__IDENTITY_reset)
        return BITLINE_CORE_NOT_FOUND;
    shape = READ(core, shape);
    widths = READ(core, widths);
    capacity = READ(core, capacity);
    streams = READ(core, streams);
    core->rows = GET(shape, SHAPE__ROWS);
    core->columns = GET(shape, SHAPE__COLUMNS);
    core->weight_bits = GET(widths, WIDTHS__WEIGHT_BITS);
    core->input_bits = GET(widths, WIDTHS__INPUT_BITS);
    core->output_bits = GET(widths, WIDTHS__OUTPUT_BITS);
    core->max_accumulations = GET(capacity, CAPACITY__MAX_ACCUMULATIONS);
    core->banks = GET(capacity, CAPACITY__BANKS);
    core->has_checksum = GET(capacity, CAPACITY__CHECKSUM) != 0;
    core->input_beat = GET(streams, STREAMS__INPUT_BYTES);
    core->weight_beat = GET(streams, STREAMS__WEIGHT_BYTES);
    core->output_beat = GET(streams, STREAMS__OUTPUT_BYTES);
    core->dma_address_bits = GET(streams, STREAMS__DMA_ADDRESS_BITS);
    return BITLINE_CORE_OK;
}

static int wait_status(struct bitline_core *core, uint32_t mask, uint32_t value)
{
    uint32_t poll;

    for (poll = 0; poll < core->polls; poll++)
        if ((READ(core, status) & mask) == value)
            return BITLINE_CORE_OK;
    return BITLINE_CORE_TIMEOUT;
}

static int is_locked(struct bitline_core *core)
{
    return GET(READ(core, lock), LOCK__LOCKED) != 0;
}

/* Writes, and reads back, so that the write takes effect before a DMA engine is started. */
static int settle(struct bitline_core *core, size_t offset, uint32_t value)
{
    BITLINE_CORE_WRITE(core->base + offset, value);
    return BITLINE_CORE_READ(core->base + offset) == value ? BITLINE_CORE_OK : BITLINE_CORE_REFUSED;
}

/* Waits until the target of records may change, and sets it. */
static int set_target(struct bitline_core *core, uint32_t target)
{
    int result;

    if (is_locked(core))
        return BITLINE_CORE_LOCKED;
    result = wait_status(core, BITLINE_CORE__STATUS__LOADING_bm | BITLINE_CORE__STATUS__RUNNING_bm, 0);
    if (result == BITLINE_CORE_OK)
        result = settle(core, offsetof(bitline_core_t, load), target);
    return result;
}

/* One word of a record. A beat is taken once it is whole, so the core may have to catch up before the next. */
static int send_word(struct bitline_core *core, uint32_t word)
{
    int result = wait_status(core, BITLINE_CORE__STATUS__LOAD_READY_bm, BITLINE_CORE__STATUS__LOAD_READY_bm);

    if (result == BITLINE_CORE_OK)
        WRITE(core, load_data, word);
    return result;
}

/* Fills the last beat of a record of so many words. */
static int pad_record(struct bitline_core *core, unsigned words)
{
    int result = BITLINE_CORE_OK;

    for (; result == BITLINE_CORE_OK && words % (core->weight_beat / 4) != 0; words++)
        result = send_word(core, 0);
    return result;
}

static int load_row(struct bitline_core *core, const int16_t *weights)
{
    unsigned per_word = core->weight_bits <= 8 ? 4 : 2, bits = 32 / per_word, words = 0, column, lane;
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    int result = BITLINE_CORE_OK;

    for (column = 0; column < core->columns && result == BITLINE_CORE_OK; column += per_word, words++) {
        uint32_t word = 0;

        for (lane = 0; lane < per_word && column + lane < core->columns; lane++)
            word |= ((uint32_t)weights[column + lane] & mask) << (bits * lane);
        result = send_word(core, word);
    }
    return result == BITLINE_CORE_OK ? pad_record(core, words) : result;
}

/* All words were stored, not only accepted. */
static int finish_words(struct bitline_core *core)
{
    return wait_status(core, BITLINE_CORE__STATUS__LOAD_READY_bm, BITLINE_CORE__STATUS__LOAD_READY_bm);
}

int bitline_core_load_rows(struct bitline_core *core, unsigned bank, unsigned first, const int16_t *weights,
                           unsigned rows)
{
    unsigned row;
    int result;

    if (bank >= core->banks || first >= core->rows || rows > core->rows - first)
        return BITLINE_CORE_ARGUMENT;
    result = set_target(core, PUT(1, LOAD__WORDS) | PUT(bank, LOAD__BANK) | PUT(first, LOAD__FIRST));
    for (row = 0; row < rows && result == BITLINE_CORE_OK; row++)
        result = load_row(core, weights + (size_t)row * core->columns);
    return result == BITLINE_CORE_OK ? finish_words(core) : result;
}

int bitline_core_stream_to(struct bitline_core *core, unsigned bank, unsigned first)
{
    if (bank >= core->banks || first >= core->rows)
        return BITLINE_CORE_ARGUMENT;
    return set_target(core, PUT(bank, LOAD__BANK) | PUT(first, LOAD__FIRST));
}

static int wait_set(struct bitline_core *core, unsigned set)
{
    return wait_status(core, UINT32_C(1) << (BITLINE_CORE__STATUS__SET_USED_bp + set), 0);
}

/* Whether a core accepts the settings. */
static int are_possible(const struct bitline_core *core, const struct bitline_core_settings *settings)
{
    int maximum = core->output_bits == 8 ? 127 : 32767, minimum = -maximum - 1;

    return core->output_bits <= 16 && settings->zero_point >= minimum &&
           settings->zero_point <= maximum && (unsigned)settings->rounding <= BITLINE_CORE_HALVES_AWAY &&
           settings->low >= minimum && settings->low <= settings->high && settings->high <= maximum;
}

/* The settings of a set, once no vector uses it. */
static int store_settings(struct bitline_core *core, unsigned set, const struct bitline_core_settings *settings)
{
    uint32_t mask = (UINT32_C(1) << (core->output_bits & 31)) - 1;
    size_t set_0 = offsetof(bitline_core_t, offset_0), size = offsetof(bitline_core_t, offset_1) - set_0;
    uintptr_t offset = core->base + set_0 + size * set;
    uintptr_t clamp = offset + offsetof(bitline_core_t, clamp_0) - set_0;
    int result = wait_set(core, set);

    if (result != BITLINE_CORE_OK)
        return result;
    BITLINE_CORE_WRITE(offset, PUT((uint32_t)settings->zero_point & mask, OFFSET_0__ZERO_POINT) |
                                   PUT(settings->rounding, OFFSET_0__ROUNDING));
    BITLINE_CORE_WRITE(clamp, PUT((uint32_t)settings->low & mask, CLAMP_0__LOW) |
                                  PUT((uint32_t)settings->high & mask, CLAMP_0__HIGH));
    return BITLINE_CORE_OK;
}

int bitline_core_stream_parameters_to(struct bitline_core *core, unsigned set, const struct bitline_core_settings *settings)
{
    int result;

    if (set > 1 || !are_possible(core, settings))
        return BITLINE_CORE_ARGUMENT;
    result = set_target(core, PUT(1, LOAD__PARAMETERS) | PUT(set, LOAD__SET));
    return result == BITLINE_CORE_OK ? store_settings(core, set, settings) : result;
}

int bitline_core_load_parameters(struct bitline_core *core, unsigned set, const struct bitline_core_column *columns,
                                 const struct bitline_core_settings *settings)
{
    unsigned column;
    int result;

    if (set > 1 || !are_possible(core, settings))
        return BITLINE_CORE_ARGUMENT;
    for (column = 0; column < core->columns; column++)
        if (columns[column].shift < -31 || columns[column].shift > 7)
            return BITLINE_CORE_ARGUMENT;
    result = set_target(core, PUT(1, LOAD__WORDS) | PUT(1, LOAD__PARAMETERS) | PUT(set, LOAD__SET));
    for (column = 0; column < core->columns && result == BITLINE_CORE_OK; column++) {
        const uint32_t words[4] = {(uint32_t)columns[column].bias, (uint32_t)columns[column].multiplier,
                                   (uint32_t)columns[column].shift, 0};
        unsigned word;

        for (word = 0; word < 4 && result == BITLINE_CORE_OK; word++)
            result = send_word(core, words[word]);
        if (result == BITLINE_CORE_OK)
            result = pad_record(core, 4);
    }
    if (result == BITLINE_CORE_OK)
        result = finish_words(core);
    return result == BITLINE_CORE_OK ? store_settings(core, set, settings) : result;
}

int bitline_core_set_vector_settings(struct bitline_core *core, const struct bitline_core_vector_settings *settings)
{
    if (settings->bits < 1 || settings->bits > core->input_bits || settings->bank >= core->banks || settings->set > 1 ||
        settings->accumulate_count < 1 || settings->accumulate_count > core->max_accumulations)
        return BITLINE_CORE_ARGUMENT;
    WRITE(core, vector, PUT(settings->bits, VECTOR__BITS) | PUT(settings->is_signed != 0, VECTOR__IS_SIGNED) |
                            PUT(settings->bank, VECTOR__BANK) | PUT(settings->set, VECTOR__SET));
    return settle(core, offsetof(bitline_core_t, accumulate), PUT(settings->accumulate_count, ACCUMULATE__COUNT));
}

/* Stores the weights of all banks that an accumulation uses. */
static int restore_banks(struct bitline_core *core, const struct bitline_core_job *job)
{
    const struct bitline_core_vector_settings *settings = &job->vector_settings;
    unsigned count = settings->accumulate_count < core->banks ? settings->accumulate_count : core->banks, index;
    int result = BITLINE_CORE_OK;

    for (index = 0; index < count && result == BITLINE_CORE_OK; index++) {
        unsigned bank = (settings->bank + index) % core->banks;

        result = bitline_core_load_rows(core, bank, 0, job->weights[bank], core->rows);
    }
    return result;
}

/* One attempt at all vectors. */
static int run_once(struct bitline_core *core, const struct bitline_core_job *job)
{
    uint32_t events = BITLINE_CORE_ERROR | BITLINE_CORE_CHECKSUM;
    int result = bitline_core_set_vector_settings(core, &job->vector_settings);

    WRITE(core, interrupt_status, events);
    if (result == BITLINE_CORE_OK)
        result = job->transfer(job->context);
    if (result == BITLINE_CORE_OK)
        result = bitline_core_wait_idle(core);
    if (result != BITLINE_CORE_OK)
        return result;
    events &= READ(core, interrupt_status);
    if (events & BITLINE_CORE_ERROR)
        return BITLINE_CORE_REFUSED;
    return events & BITLINE_CORE_CHECKSUM ? BITLINE_CORE_WRONG : BITLINE_CORE_OK;
}

int bitline_core_run(struct bitline_core *core, const struct bitline_core_job *job)
{
    int result = run_once(core, job);
    unsigned repeat;

    for (repeat = 0; result == BITLINE_CORE_WRONG && job->weights != NULL && repeat < core->repeats; repeat++) {
        result = restore_banks(core, job);
        if (result == BITLINE_CORE_OK)
            result = run_once(core, job);
    }
    return result;
}

/* Address of a register of a channel, given that of the first channel. */
static uintptr_t dma_register(const struct bitline_core *core, unsigned channel, size_t first)
{
    return core->base + first + channel * (offsetof(bitline_core_t, dma_weights_beats) - offsetof(bitline_core_t, dma_vectors_beats));
}

static int dma_is_busy(struct bitline_core *core, unsigned channel)
{
    return (READ(core, dma_status) >> channel & 1) != 0;
}

static int has_failed(struct bitline_core *core, unsigned channel)
{
    return (READ(core, dma_status) >> BITLINE_CORE__DMA_STATUS__VECTORS_FAILED_bp >> channel & 1) != 0;
}

/* Whether a channel can move so many bytes; all of them must have an address. A beat has a power of two of bytes, so the
 * low bits tell; a 64-bit remainder would need a library on a 32-bit processor. */
static int can_transfer(const struct bitline_core *core, unsigned channel, uint64_t address, uint32_t bytes)
{
    uint64_t last = address + bytes - 1;

    return channel <= BITLINE_CORE_DMA_RESULTS && bytes != 0 && bytes % core->input_beat == 0 &&
           bytes / core->input_beat <= BITLINE_CORE__DMA_VECTORS_BEATS__BEATS_bm && (uint32_t)address % core->input_beat == 0 &&
           last >= address && (core->dma_address_bits > 32 || last >> 32 == 0);
}

int bitline_core_dma_begin(struct bitline_core *core, enum bitline_core_dma_channel channel, uint64_t address, uint32_t bytes)
{
    uintptr_t place = dma_register(core, channel, offsetof(bitline_core_t, dma_vectors_address));

    if (core->dma_address_bits == 0)
        return BITLINE_CORE_NO_DMA;
    if (!can_transfer(core, channel, address, bytes))
        return BITLINE_CORE_ARGUMENT;
    if (dma_is_busy(core, channel))
        return BITLINE_CORE_REFUSED;
    BITLINE_CORE_WRITE(place, (uint32_t)address);
    if (core->dma_address_bits > 32)
        BITLINE_CORE_WRITE(place + 4, (uint32_t)(address >> 32));
    BITLINE_CORE_WRITE(dma_register(core, channel, offsetof(bitline_core_t, dma_vectors_beats)), bytes / core->input_beat);
    return BITLINE_CORE_OK;
}

int bitline_core_dma_wait(struct bitline_core *core, enum bitline_core_dma_channel channel)
{
    uint32_t poll;

    if (core->dma_address_bits == 0)
        return BITLINE_CORE_NO_DMA;
    if ((unsigned)channel > BITLINE_CORE_DMA_RESULTS)
        return BITLINE_CORE_ARGUMENT;
    for (poll = 0; poll < core->polls; poll++)
        if (!dma_is_busy(core, channel))
            return has_failed(core, channel) || bitline_core_dma_left(core, channel) != 0 ? BITLINE_CORE_UNFINISHED
                                                                                          : BITLINE_CORE_OK;
    return BITLINE_CORE_TIMEOUT;
}

uint32_t bitline_core_dma_left(struct bitline_core *core, enum bitline_core_dma_channel channel)
{
    if (core->dma_address_bits == 0 || (unsigned)channel > BITLINE_CORE_DMA_RESULTS)
        return 0;
    return BITLINE_CORE_READ(dma_register(core, channel, offsetof(bitline_core_t, dma_vectors_left))) * core->input_beat;
}

int bitline_core_dma_stop(struct bitline_core *core, enum bitline_core_dma_channel channel)
{
    if (core->dma_address_bits == 0)
        return BITLINE_CORE_NO_DMA;
    if ((unsigned)channel > BITLINE_CORE_DMA_RESULTS)
        return BITLINE_CORE_ARGUMENT;
    WRITE(core, dma_stop, UINT32_C(1) << channel);
    return BITLINE_CORE_OK;
}

int bitline_core_wait_idle(struct bitline_core *core)
{
    return wait_status(core, BITLINE_CORE__STATUS__IDLE_bm, BITLINE_CORE__STATUS__IDLE_bm);
}

void bitline_core_enable(struct bitline_core *core, unsigned events)
{
    WRITE(core, interrupt_enable, events);
}

unsigned bitline_core_take_events(struct bitline_core *core)
{
    uint32_t events = READ(core, interrupt_status);

    WRITE(core, interrupt_status, events);
    return events;
}

static int finish_march(struct bitline_core *core, uint32_t proof)
{
    int result = wait_status(core, BITLINE_CORE__STATUS__RUNNING_bm, 0);

    if (result == BITLINE_CORE_OK && (READ(core, status) & proof) != proof)
        result = BITLINE_CORE_FAILED;
    return result;
}

int bitline_core_zeroize(struct bitline_core *core)
{
    int result = wait_status(core, BITLINE_CORE__STATUS__RUNNING_bm, 0);

    if (result != BITLINE_CORE_OK)
        return result;
    WRITE(core, control, BITLINE_CORE__CONTROL__ZEROIZE_bm);
    return finish_march(core, BITLINE_CORE__STATUS__ZEROIZED_bm);
}

int bitline_core_self_test(struct bitline_core *core, enum bitline_core_test test, struct bitline_core_fault *fault)
{
    uint32_t place;
    int result;

    if (test != BITLINE_CORE_MARCH_C_MINUS && test != BITLINE_CORE_MARCH_SS && test != BITLINE_CORE_KNOWN_ANSWERS)
        return BITLINE_CORE_ARGUMENT;
    if (is_locked(core))
        return BITLINE_CORE_LOCKED;
    result = wait_status(core, BITLINE_CORE__STATUS__RUNNING_bm, 0);
    if (result != BITLINE_CORE_OK)
        return result;
    WRITE(core, self_test, (uint32_t)test);
    result = finish_march(core, BITLINE_CORE__STATUS__PASSED_bm);
    if (result == BITLINE_CORE_FAILED && fault != NULL) {
        place = READ(core, fault);
        fault->bank = GET(place, FAULT__BANK);
        fault->row = GET(place, FAULT__ROW);
        fault->column = GET(place, FAULT__COLUMN);
    }
    return result;
}

void bitline_core_lock(struct bitline_core *core)
{
    WRITE(core, lock, BITLINE_CORE__LOCK__LOCKED_bm);
}

unsigned bitline_core_take_error(struct bitline_core *core)
{
    unsigned error = GET(READ(core, error), ERROR__CODE);

    if (error != 0)
        WRITE(core, control, BITLINE_CORE__CONTROL__CLEAR_ERROR_bm);
    return error;
}

const char *bitline_core_error_text(unsigned error)
{
    switch (error) {
#define TEXT(name, code, text) \
    case code:                 \
        return text;
        BITLINE_CORE_ERRORS(TEXT)
#undef TEXT
    default:
        return "An error that this driver does not know.";
    }
}

const char *bitline_core_result_text(int result)
{
    switch (result) {
    case BITLINE_CORE_OK:
        return "Done.";
    case BITLINE_CORE_NOT_FOUND:
        return "There is no core at this address.";
    case BITLINE_CORE_ARGUMENT:
        return "An argument is out of the core's range.";
    case BITLINE_CORE_TIMEOUT:
        return "The core did not become ready.";
    case BITLINE_CORE_LOCKED:
        return "Weights and parameters are locked.";
    case BITLINE_CORE_FAILED:
        return "A test found a fault.";
    case BITLINE_CORE_WRONG:
        return "Results do not agree with the checksum.";
    case BITLINE_CORE_REFUSED:
        return "A packet was not as it must be.";
    case BITLINE_CORE_NO_DMA:
        return "The core has no DMA.";
    case BITLINE_CORE_UNFINISHED:
        return "A transfer ended early.";
    case BITLINE_CORE_LOST:
        return "A result is lost.";
    default:
        return "A result that this driver does not know.";
    }
}
