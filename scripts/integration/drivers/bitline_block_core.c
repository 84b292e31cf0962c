/* Driver of a Bitline block core, in C99 without a library. SPDX-License-Identifier: Apache-2.0 */

#include "bitline_block_core.h"

#include <stddef.h>

#include "bitline_block_core_errors.h"
#include "bitline_block_core_registers.h"

#define READ(core, name) BITLINE_CORE_READ((core)->base + offsetof(bitline_block_core_t, name))
#define GET(word, field) (((word) & (BITLINE_BLOCK_CORE__##field##_bm)) >> (BITLINE_BLOCK_CORE__##field##_bp))
#define HEADER(value, field) ((uint32_t)(value) << BITLINE_BLOCK_CORE_HEADER__##field##_bp)

enum { HEADER_BYTES = 4, BYTE_BITS = 8 };

/* Bits of the widest code of some formats. */
static unsigned widest(unsigned formats)
{
    static const uint8_t bits[] = BITLINE_BLOCK_CORE_CODE_BITS;
    unsigned format, most = 0;

    for (format = 0; format < sizeof bits; format++)
        if (formats >> format & 1 && bits[format] > most)
            most = bits[format];
    return most;
}

/* Codes of a beat: a power of two, half a block of a vector at most; of weights one that divides the columns. */
static void set_codes(struct bitline_block_core *core)
{
    unsigned codes = 1;

    while (2 * codes <= core->rows / 2 && 2 * codes * core->vector_bits <= core->input_beat * BYTE_BITS)
        codes *= 2;
    core->vector_codes = codes;
    codes = 1;
    while (core->columns % (2 * codes) == 0 && 2 * codes * core->weight_bits <= core->weight_beat * BYTE_BITS)
        codes *= 2;
    core->weight_codes = codes;
}

int bitline_block_core_init(struct bitline_block_core *core, uintptr_t base)
{
    uint32_t shape, formats, capacity, streams, window;

    /* The core has another identity, and this sets the rest. */
    (void)bitline_core_init(&core->core, base);
    if (READ(&core->core, identity) != BITLINE_BLOCK_CORE__IDENTITY__IDENTITY_reset)
        return BITLINE_CORE_NOT_FOUND;
    shape = READ(&core->core, shape);
    formats = READ(&core->core, formats);
    capacity = READ(&core->core, capacity);
    streams = READ(&core->core, streams);
    window = READ(&core->core, window);
    core->rows = GET(shape, SHAPE__ROWS);
    core->columns = GET(shape, SHAPE__COLUMNS);
    core->vector_formats = GET(formats, FORMATS__VECTOR_FORMATS);
    core->weight_formats = GET(formats, FORMATS__WEIGHT_FORMATS);
    core->result_bits = GET(formats, FORMATS__RESULT_BITS);
    core->max_blocks = GET(capacity, CAPACITY__MAX_BLOCKS);
    core->banks = GET(capacity, CAPACITY__BANKS);
    core->input_beat = GET(streams, STREAMS__INPUT_BYTES);
    core->weight_beat = GET(streams, STREAMS__WEIGHT_BYTES);
    core->output_beat = GET(streams, STREAMS__OUTPUT_BYTES);
    core->bias = GET(window, WINDOW__BIAS);
    core->max_shift = GET(window, WINDOW__MAX_SHIFT);
    core->vector_bits = widest(core->vector_formats);
    core->weight_bits = widest(core->weight_formats);
    set_codes(core);
    return BITLINE_CORE_OK;
}

uint32_t bitline_block_core_vector_bytes(const struct bitline_block_core *core)
{
    return core->input_beat * (1 + core->rows / core->vector_codes);
}

uint32_t bitline_block_core_weight_bytes(const struct bitline_block_core *core)
{
    uint32_t scales = (core->columns + core->weight_beat - 1) / core->weight_beat;

    return core->weight_beat * (1 + core->rows * (core->columns / core->weight_codes) + scales);
}

/* A beat of numbers of so many bits, the first lowest; where the next beat begins. */
static uint8_t *pack(uint8_t *beat, unsigned size, const uint8_t *numbers, unsigned count, unsigned bits)
{
    unsigned index, at = 0, mask = (1u << bits) - 1;

    for (index = 0; index < size; index++)
        beat[index] = 0;
    for (index = 0; index < count; index++, at += bits) {
        unsigned number = (numbers[index] & mask) << at % BYTE_BITS;

        beat[at / BYTE_BITS] = (uint8_t)(beat[at / BYTE_BITS] | number);
        /* The rest of a number that does not end with a byte. */
        if (number >> BYTE_BITS)
            beat[at / BYTE_BITS + 1] = (uint8_t)(number >> BYTE_BITS);
    }
    return beat + size;
}

static uint8_t *pack_header(uint8_t *beat, unsigned size, uint32_t header)
{
    uint8_t bytes[HEADER_BYTES];
    unsigned index;

    for (index = 0; index < HEADER_BYTES; index++)
        bytes[index] = (uint8_t)(header >> BYTE_BITS * index);
    return pack(beat, size, bytes, HEADER_BYTES, BYTE_BITS);
}

static int has(unsigned formats, enum bitline_block_core_format format)
{
    return (unsigned)format < BITLINE_BLOCK_CORE__FORMATS__VECTOR_FORMATS_bw && (formats >> format & 1) != 0;
}

int bitline_block_core_pack_vector(const struct bitline_block_core *core, const struct bitline_block_core_vector *vector,
                                   uint8_t *bytes)
{
    unsigned row;

    if (!has(core->vector_formats, vector->format) || vector->bank >= core->banks ||
        vector->base >> BITLINE_BLOCK_CORE_HEADER__BASE_bw != 0)
        return BITLINE_CORE_ARGUMENT;
    bytes = pack_header(bytes, core->input_beat,
                        HEADER(vector->scale, SCALE) | HEADER(vector->format, NUMBER) | HEADER(vector->bank, BANK) |
                            HEADER(vector->base, BASE) | HEADER(vector->is_last != 0, LAST));
    for (row = 0; row < core->rows; row += core->vector_codes)
        bytes = pack(bytes, core->input_beat, vector->codes + row, core->vector_codes, core->vector_bits);
    return BITLINE_CORE_OK;
}

int bitline_block_core_pack_weights(const struct bitline_block_core *core, const struct bitline_block_core_weights *weights,
                                    uint8_t *bytes)
{
    unsigned first, count;

    if (!has(core->weight_formats, weights->format) || weights->bank >= core->banks)
        return BITLINE_CORE_ARGUMENT;
    bytes = pack_header(bytes, core->weight_beat, HEADER(weights->format, NUMBER) | HEADER(weights->bank, BANK));
    /* A row begins with a beat, as the codes of a beat divide the columns. */
    for (first = 0; first < core->rows * core->columns; first += core->weight_codes)
        bytes = pack(bytes, core->weight_beat, weights->codes + first, core->weight_codes, core->weight_bits);
    for (first = 0; first < core->columns; first += core->weight_beat) {
        count = core->columns - first < core->weight_beat ? core->columns - first : core->weight_beat;
        bytes = pack(bytes, core->weight_beat, weights->scales + first, count, BYTE_BITS);
    }
    return BITLINE_CORE_OK;
}

/* A transfer without events of before. */
static int begin(struct bitline_block_core *core, int (*transfer)(void *context), void *context)
{
    (void)bitline_core_take_events(&core->core);
    return transfer(context);
}

int bitline_block_core_load(struct bitline_block_core *core, int (*transfer)(void *context), void *context)
{
    unsigned events = 0;
    uint32_t poll;
    int result = begin(core, transfer, context);

    if (result != BITLINE_CORE_OK)
        return result;
    for (poll = 0; poll < core->core.polls && !(events & (BITLINE_CORE_ERROR | BITLINE_CORE_LOADED)); poll++)
        events = bitline_core_take_events(&core->core);
    if (events & BITLINE_CORE_ERROR)
        return BITLINE_CORE_REFUSED;
    return events & BITLINE_CORE_LOADED ? BITLINE_CORE_OK : BITLINE_CORE_TIMEOUT;
}

int bitline_block_core_run(struct bitline_block_core *core, int (*transfer)(void *context), void *context)
{
    unsigned events;
    int result = begin(core, transfer, context);

    if (result == BITLINE_CORE_OK)
        result = bitline_core_wait_idle(&core->core);
    if (result != BITLINE_CORE_OK)
        return result;
    events = bitline_core_take_events(&core->core);
    if (events & BITLINE_CORE_ERROR)
        return BITLINE_CORE_REFUSED;
    return events & BITLINE_BLOCK_CORE_LOST ? BITLINE_CORE_LOST : BITLINE_CORE_OK;
}

const char *bitline_block_core_error_text(unsigned error)
{
    switch (error) {
#define TEXT(name, code, text) \
    case code:                 \
        return text;
        BITLINE_BLOCK_CORE_ERRORS(TEXT)
#undef TEXT
    default:
        return "An error that this driver does not know.";
    }
}
