/* Bare-metal driver of a Bitline core.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and results go through AXI4-Stream, which a DMA engine of the system feeds; the driver does everything that goes
 * through registers. It reads the sizes from the core, and its files are the same for every configuration: one object
 * serves all cores. It is C99, and needs no library on a processor that multiplies and divides; without these instructions
 * (RV32I, Cortex-M0) it needs the compiler's own functions for products, quotients and remainders of 32 bits, of libgcc for
 * example.
 *
 * BITLINE_CORE_READ and BITLINE_CORE_WRITE access the registers; by default as memory, but a system may define them. The
 * core responds to a refused access with a bus error; the driver makes none if its arguments are right and nobody else
 * writes to the core.
 */
#ifndef BITLINE_CORE_H
#define BITLINE_CORE_H

#include <stdint.h>

#ifndef BITLINE_CORE_READ
#define BITLINE_CORE_READ(address) (*(volatile uint32_t *)(address))
#define BITLINE_CORE_WRITE(address, value) (*(volatile uint32_t *)(address) = (value))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Return values of the functions below. */
enum bitline_core_result {
    BITLINE_CORE_OK = 0,
    BITLINE_CORE_NOT_FOUND = -1, /* there is no core at this address */
    BITLINE_CORE_ARGUMENT = -2,  /* an argument is out of the core's range */
    BITLINE_CORE_TIMEOUT = -3,   /* the core did not become ready */
    BITLINE_CORE_LOCKED = -4,    /* weights and parameters are locked */
    BITLINE_CORE_FAILED = -5,    /* a test found a fault */
    BITLINE_CORE_WRONG = -6,     /* results do not match the checksum, even with the weights stored again */
    BITLINE_CORE_REFUSED = -7,   /* the core discarded a packet; bitline_core_take_error gives the reason */
    BITLINE_CORE_NO_DMA = -8,    /* the core has no DMA */
    BITLINE_CORE_UNFINISHED = -9, /* a transfer ended early; bitline_core_take_error gives the reason */
    BITLINE_CORE_LOST = -10       /* a result of a block core is lost */
};

struct bitline_core {
    uintptr_t base;
    uint32_t polls;   /* reads before a timeout */
    unsigned repeats; /* how often to store the weights again and repeat wrong vectors */
    int has_checksum; /* results are compared with a checksum */
    unsigned rows, columns, banks, max_accumulations;
    unsigned weight_bits, input_bits, output_bits;
    unsigned input_beat, weight_beat, output_beat; /* bytes */
    unsigned dma_address_bits;                     /* 0 without a DMA */
};

/* How vectors are computed. */
struct bitline_core_vector_settings {
    unsigned bits;             /* lowest bits of each input that count */
    int is_signed;             /* inputs are two's complement */
    unsigned bank;             /* of the first vector of a result */
    unsigned set;              /* of requantization parameters */
    unsigned accumulate_count; /* vectors that add up to one result */
};

/* Requantization of one column: round((total + bias) * multiplier * 2^(shift - 31)). */
struct bitline_core_column {
    int32_t bias, multiplier, shift;
};

enum bitline_core_rounding {
    BITLINE_CORE_HALVES_UP = 0,
    BITLINE_CORE_TWICE = 1, /* as TensorFlow Lite does: at bit 31, and again where bits are left */
    BITLINE_CORE_HALVES_AWAY = 2 /* from zero */
};

/* Requantization of all columns of a set. */
struct bitline_core_settings {
    int zero_point, low, high;
    enum bitline_core_rounding rounding;
};

enum bitline_core_test {
    BITLINE_CORE_MARCH_C_MINUS = 1,
    BITLINE_CORE_MARCH_SS = 2,
    BITLINE_CORE_KNOWN_ANSWERS = 4 /* of products; does not locate a fault */
};

/* The first fault that a test found. */
struct bitline_core_fault {
    unsigned bank, row, column;
};

enum {
    BITLINE_CORE_ERROR = 1,
    BITLINE_CORE_RESULT = 2,
    BITLINE_CORE_LOADED = 4,
    BITLINE_CORE_FINISHED = 8,
    BITLINE_CORE_CHECKSUM = 16,
    BITLINE_CORE_TRANSFERRED = 32
};

enum bitline_core_dma_channel {
    BITLINE_CORE_DMA_VECTORS = 0, /* from memory */
    BITLINE_CORE_DMA_WEIGHTS = 1, /* from memory: rows, or parameters */
    BITLINE_CORE_DMA_RESULTS = 2  /* to memory */
};

/* Vectors to compute, with settings and weights. */
struct bitline_core_job {
    struct bitline_core_vector_settings vector_settings;
    /* Weights of each bank, rows by columns, to store again if results are wrong; null: results are not repeated. */
    const int16_t *const *weights;
    /* Sends all vectors to s_axis, and returns when all results have come from m_axis: 0, or the value that bitline_core_run
     * shall return. Called again if results were wrong. */
    int (*transfer)(void *context);
    void *context;
};

/* Finds a core and reads its sizes. */
int bitline_core_init(struct bitline_core *core, uintptr_t base);

/* Stores weights, rows by columns, in a bank, starting at row `first`. */
int bitline_core_load_rows(struct bitline_core *core, unsigned bank, unsigned first, const int16_t *weights,
                           unsigned rows);

/* Stores the parameters of all columns and the settings of a set. */
int bitline_core_load_parameters(struct bitline_core *core, unsigned set, const struct bitline_core_column *columns,
                                 const struct bitline_core_settings *settings);

/* Directs the rows of s_axis_w, or of the DMA, to a bank, starting at row `first`. */
int bitline_core_stream_to(struct bitline_core *core, unsigned bank, unsigned first);

/* Directs the columns' parameters of s_axis_w, or of the DMA, to a set, and stores its settings. */
int bitline_core_stream_parameters_to(struct bitline_core *core, unsigned set, const struct bitline_core_settings *settings);

/* Sets how the following vectors are computed; the next vector is the first of a result. */
int bitline_core_set_vector_settings(struct bitline_core *core, const struct bitline_core_vector_settings *settings);

/* Computes vectors. If the core finds that results are wrong, stores the weights again and repeats all of them. It looks at
 * the events, so meanwhile an interrupt handler must not take them: it disables the interrupt (bitline_core_enable). */
int bitline_core_run(struct bitline_core *core, const struct bitline_core_job *job);

/* Begins a transfer of so many bytes, whole beats, from or to an address that is a multiple of a beat; memory must have
 * what the processor wrote. Every vector, row, column's parameters and result begins with a beat. Results are transferred
 * as they come, so their transfer begins first. BITLINE_CORE_REFUSED: the channel is busy. */
int bitline_core_dma_begin(struct bitline_core *core, enum bitline_core_dma_channel channel, uint64_t address, uint32_t bytes);

/* Waits until a transfer has ended. BITLINE_CORE_UNFINISHED: not all of it was moved, or memory answered with an error; of
 * results some may then not be in memory. */
int bitline_core_dma_wait(struct bitline_core *core, enum bitline_core_dma_channel channel);

/* Bytes that the core has not taken, or given. */
uint32_t bitline_core_dma_left(struct bitline_core *core, enum bitline_core_dma_channel channel);

/* Ends a transfer early. A vector or row that has begun is discarded, which is an error; results stay in the core. */
int bitline_core_dma_stop(struct bitline_core *core, enum bitline_core_dma_channel channel);

/* Waits until no vector is in flight and no result waits. */
int bitline_core_wait_idle(struct bitline_core *core);

/* Selects the events that raise the interrupt. */
void bitline_core_enable(struct bitline_core *core, unsigned events);

/* Reads and clears the events, in an interrupt handler or by polling. */
unsigned bitline_core_take_events(struct bitline_core *core);

/* Clears all weights and verifies that. */
int bitline_core_zeroize(struct bitline_core *core);

/* Tests the storage of weights, which destroys them. The fault may be null. */
int bitline_core_self_test(struct bitline_core *core, enum bitline_core_test test, struct bitline_core_fault *fault);

/* Forbids writes to weights and parameters until a reset. */
void bitline_core_lock(struct bitline_core *core);

/* Reads and clears the first error since the last call; 0 if none. */
unsigned bitline_core_take_error(struct bitline_core *core);

/* An error in words. */
const char *bitline_core_error_text(unsigned error);

/* A return value in words. */
const char *bitline_core_result_text(int result);

/* Former names, for one release. */
#define bitline_core_zeroise bitline_core_zeroize
#define BITLINE_CORE_ERROR_CUT BITLINE_CORE_ERROR_ABORTED

#ifdef __cplusplus
}
#endif

#endif
