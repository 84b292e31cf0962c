/* Bare-metal driver of a Bitline block core.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * It packs weights and vectors as the streams take them, which a DMA engine of the system then feeds, and does what goes
 * through registers. It reads sizes and formats from the core, and its files are the same for every configuration. It is
 * C99, and needs of libraries what bitline_core.h says. Accesses of registers, return values, waiting, events and errors are those of bitline_core.h:
 * its functions bitline_core_wait_idle, bitline_core_enable, bitline_core_take_events and bitline_core_take_error take
 * `&block_core.core`.
 */
#ifndef BITLINE_BLOCK_CORE_H
#define BITLINE_BLOCK_CORE_H

#include "bitline_block_core_formats.h"
#include "bitline_core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bitline_block_core {
    struct bitline_core core;
    unsigned rows, columns, banks, max_blocks;
    unsigned vector_formats, weight_formats;       /* bit n: the format with number n */
    unsigned result_bits;                          /* 32: float32; 16: bfloat16 */
    unsigned bias, max_shift;                      /* a sum counts 2^(exponent - bias), from the base to so much above */
    unsigned input_beat, weight_beat, output_beat; /* bytes */
    unsigned vector_bits, weight_bits;             /* of a code in a beat, as wide as the widest */
    unsigned vector_codes, weight_codes;           /* of a beat */
};

/* The event beside BITLINE_CORE_ERROR, BITLINE_CORE_RESULT and BITLINE_CORE_LOADED: a result that is lost has left. */
enum { BITLINE_BLOCK_CORE_LOST = 8 };

/* A block of a vector. */
struct bitline_block_core_vector {
    enum bitline_block_core_format format;
    const uint8_t *codes; /* of each row */
    uint8_t scale;
    unsigned bank;
    unsigned base; /* of the first block of an accumulation: the lowest exponent of the window */
    int is_last;   /* of its accumulation */
};

/* Weights of a bank. */
struct bitline_block_core_weights {
    enum bitline_block_core_format format;
    const uint8_t *codes;  /* rows by columns */
    const uint8_t *scales; /* of each column */
    unsigned bank;
};

/* Finds a block core and reads its sizes and formats. */
int bitline_block_core_init(struct bitline_block_core *core, uintptr_t base);

/* Bytes of a block of a vector, and of the weights of a bank. */
uint32_t bitline_block_core_vector_bytes(const struct bitline_block_core *core);
uint32_t bitline_block_core_weight_bytes(const struct bitline_block_core *core);

/* Packs a block. Those of an accumulation, one behind the other, are a packet of s_axis. */
int bitline_block_core_pack_vector(const struct bitline_block_core *core, const struct bitline_block_core_vector *vector,
                                   uint8_t *bytes);

/* Packs weights, a packet of s_axis_w. */
int bitline_block_core_pack_weights(const struct bitline_block_core *core, const struct bitline_block_core_weights *weights,
                                    uint8_t *bytes);

/* Stores weights: `transfer` sends a packet of them to s_axis_w, and returns 0, or the value that this function shall
 * return. It takes the events, so meanwhile an interrupt handler must not. BITLINE_CORE_REFUSED: the packet has an error. */
int bitline_block_core_load(struct bitline_block_core *core, int (*transfer)(void *context), void *context);

/* Computes: `transfer` sends packets to s_axis, and returns when all results have come from m_axis. As above, and
 * BITLINE_CORE_LOST: a result did not fit its window, or its bank has no weights. */
int bitline_block_core_run(struct bitline_block_core *core, int (*transfer)(void *context), void *context);

/* An error of bitline_core_take_error in words. */
const char *bitline_block_core_error_text(unsigned error);

#ifdef __cplusplus
}
#endif

#endif
