/* Bare-metal driver of a Bitline engine.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The driver checks an image (magic, version, configuration, sizes and CRC-32), loads it, writes inputs, runs it, and
 * reads outputs, all by registers. What is wrong with a descriptor the engine finds when it runs. The driver reads the
 * sizes from the engine, and its files are the same for every configuration. It is C99, and needs no library on a processor
 * that multiplies and divides. Without these instructions (RV32I, Cortex-M0) it needs the compiler's own functions for
 * products of 32 and 64 bits and for quotients and remainders of 32, of libgcc for example.
 *
 * BITLINE_ENGINE_READ and BITLINE_ENGINE_WRITE access the registers; by default as memory, but a system may define them.
 * The engine responds to a refused access with a bus error; the driver makes none if nobody else uses the engine.
 */
#ifndef BITLINE_ENGINE_H
#define BITLINE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Return values of the functions below. */
enum bitline_engine_result {
    BITLINE_ENGINE_OK = 0,
    BITLINE_ENGINE_NOT_FOUND = -1,    /* there is no engine at this address */
    BITLINE_ENGINE_ARGUMENT = -2,     /* an argument is out of range, or an input or output has another size */
    BITLINE_ENGINE_TIMEOUT = -3,      /* the run did not end in time; it goes on */
    BITLINE_ENGINE_BUSY = -4,         /* a run goes on */
    BITLINE_ENGINE_DAMAGED = -5,      /* no image, cut short, no END, or another CRC-32 than it says */
    BITLINE_ENGINE_OTHER_ENGINE = -6, /* the image is for another configuration */
    BITLINE_ENGINE_TOO_LARGE = -7,    /* the image has more of something than the engine has room for */
    BITLINE_ENGINE_FAULT = -8,        /* a fault ended the run; bitline_engine_take_fault tells which */
    BITLINE_ENGINE_CANCELED = -9,     /* the run was canceled */
    BITLINE_ENGINE_NO_IMAGE = -10,    /* no image was loaded, or the last one was refused */
    BITLINE_ENGINE_REFUSED = -11,     /* the engine refused an access; bitline_engine_take_error gives the reason */
    BITLINE_ENGINE_LOST = -12         /* words of the image did not reach the engine as they were sent */
};

/* Functions change its members, a program only `polls` and `weights`. */
struct bitline_engine {
    uintptr_t base;
    uint32_t polls; /* reads before a timeout */
    uint32_t configuration, activation_bytes, tile_rows, parameter_slots, program_length, load_entries;
    unsigned rows, columns, lanes;
    /* Bytes a cycle through which rows of tiles come from the system's memory; 0: the engine holds them. */
    unsigned weight_port;
    /* Where the engine reads them. Null: in the image. */
    const uint8_t *weights;
    /* Of the image, which stays in the system's memory; the engine holds the rest. Null: none is loaded. */
    const uint8_t *ports, *states;
    uint32_t port_count, input_bytes, output_bytes, state_bytes;
};

/* What ended a run. */
struct bitline_engine_fault {
    unsigned code;       /* of enum bitline_engine_fault_code, in bitline_engine_codes.h */
    unsigned descriptor; /* its number */
};

/* A descriptor that has run, or two that ran together: cycles of the run in which it started and after which it ended, rows
 * of tiles into the macro, reads of the activation memory, cycles of the lanes. */
struct bitline_engine_entry {
    uint32_t start, end, rows, reads, lanes;
};

/* Events, which raise the interrupt where they are enabled. */
enum { BITLINE_ENGINE_FINISHED = 1, BITLINE_ENGINE_ERROR = 2 };

/* Finds an engine and reads its sizes. */
int bitline_engine_init(struct bitline_engine *engine, uintptr_t base);

/* The rows of tiles of an image, as many bytes as `bytes` then says. The image must be one. */
const uint8_t *bitline_engine_weights(const uint8_t *image, uint32_t *bytes);

/* Checks an image, loads it, compares the CRC-32 of what the engine took, and begins a stream. The bytes of the image must stay
 * where they are as long as it is used. Clears the register `error` before, and finds a refused access by it: bitline_engine_take_error must not be called meanwhile, by an
 * interrupt handler for example.
 * With a weight_port the engine reads the rows of tiles of the image while it runs, with the addresses that the program has.
 * They must be at a multiple of weight_port bytes; if they are not in the image, a program sets `weights` to a copy of what
 * bitline_engine_weights gives. Neither may change, nor wait in a cache, as long as the image is used. */
int bitline_engine_load(struct bitline_engine *engine, const uint8_t *image, size_t bytes);

/* Gives the states of a network that keeps some their first values. Others have nothing to do with this. A run that was
 * canceled, or that a fault ended, leaves some states of its own and some of the run before: begin a stream after it. */
int bitline_engine_begin_stream(struct bitline_engine *engine);

/* Writes an input, of engine->input_bytes bytes. Four bytes that follow one another in memory take one access, and one
 * byte that is apart, as in images where a port's distance of bytes is greater than 1, takes five. */
int bitline_engine_write_input(struct bitline_engine *engine, const int8_t *input, size_t bytes);

/* Begins a run, and clears the event `finished` of the one before. */
int bitline_engine_start(struct bitline_engine *engine);

/* Waits until the engine is not busy, and gives what became of the last run; BITLINE_ENGINE_OK too if there was none. After
 * an interrupt it does not wait. */
int bitline_engine_wait(struct bitline_engine *engine);

/* Writes an input, and runs. */
int bitline_engine_run(struct bitline_engine *engine, const int8_t *input, size_t bytes);

/* Ends a run, and waits until the engine can be used again. */
int bitline_engine_cancel(struct bitline_engine *engine);

/* The number of the greatest output of the last run. */
unsigned bitline_engine_class(struct bitline_engine *engine);

/* Reads the outputs, engine->output_bytes bytes. */
int bitline_engine_read_output(struct bitline_engine *engine, int8_t *output, size_t bytes);

/* The fault of the last run; its code is 0 if there was none. */
void bitline_engine_take_fault(struct bitline_engine *engine, struct bitline_engine_fault *fault);

/* Cycles of the last run. */
uint32_t bitline_engine_cycles(struct bitline_engine *engine);

/* Entries of the trace of the last run, and one of them. */
unsigned bitline_engine_trace_count(struct bitline_engine *engine);
int bitline_engine_trace(struct bitline_engine *engine, unsigned number, struct bitline_engine_entry *entry);

/* Bytes of the activation memory. */
int bitline_engine_write_memory(struct bitline_engine *engine, uint32_t address, const uint8_t *data, uint32_t bytes);
int bitline_engine_read_memory(struct bitline_engine *engine, uint32_t address, uint8_t *data, uint32_t bytes);

/* Selects the events that raise the interrupt. */
void bitline_engine_enable(struct bitline_engine *engine, unsigned events);

/* Reads and clears the events, in an interrupt handler or by polling. */
unsigned bitline_engine_take_events(struct bitline_engine *engine);

/* Reads and clears the first refused access since the last call, of enum bitline_engine_error; 0 if none. */
unsigned bitline_engine_take_error(struct bitline_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
