/* Runs a core of the SoC on data from the serial port.
 *
 * Reads, little-endian: a byte, 0 for the core with a DMA of its own, 1 for that with streams; weights of bank 0, rows by
 * columns, a byte each; bias, multiplier and shift of each column, then zero point, low, high and rounding, 32 bits each;
 * the number of vectors, a byte; vectors, a byte an input. Writes what happened, a line each: a name and numbers. */

#include <generated/csr.h>
#include <generated/mem.h>
#include <irq.h>

#include "bitline_core.h"
#include "serial.h"

enum { MAX_COLUMNS = 64, MEMORY_BYTES = 2048 };

/* Memory that DMA engines read or write: so many records, each from a beat on, and bytes from one to the next. */
struct area {
    uint8_t bytes[MEMORY_BYTES] __attribute__((aligned(8)));
    unsigned count, stride;
};

static struct area rows, vectors, results;
static struct bitline_core core;
static volatile unsigned interrupts;

/* Records of elements of a byte. */
static void describe(struct area *area, unsigned count, unsigned elements, unsigned beat)
{
    area->count = count;
    area->stride = (elements + beat - 1) / beat * beat;
}

static void fill(struct area *area, unsigned elements)
{
    unsigned record, element;

    for (record = 0; record < area->count; record++)
        for (element = 0; element < elements; element++)
            area->bytes[record * area->stride + element] = get();
}

static uint32_t size(const struct area *area)
{
    return area->count * area->stride;
}

/* What the core's interrupt calls. Events stay for bitline_core_run, which looks at them. */
void isr(void);
void isr(void)
{
    bitline_core_enable(&core, 0);
    interrupts++;
}

/* With the core's own DMA. */

static int own_transfer(enum bitline_core_dma_channel channel, const struct area *area)
{
    int result = bitline_core_dma_begin(&core, channel, (uintptr_t)area->bytes, size(area));

    return result == BITLINE_CORE_OK ? bitline_core_dma_wait(&core, channel) : result;
}

static int own_weights(void)
{
    return own_transfer(BITLINE_CORE_DMA_WEIGHTS, &rows);
}

static int own_vectors(void *context)
{
    int result = bitline_core_dma_begin(&core, BITLINE_CORE_DMA_RESULTS, (uintptr_t)results.bytes, size(&results));

    (void)context;
    if (result == BITLINE_CORE_OK)
        result = own_transfer(BITLINE_CORE_DMA_VECTORS, &vectors);
    return result == BITLINE_CORE_OK ? bitline_core_dma_wait(&core, BITLINE_CORE_DMA_RESULTS) : result;
}

/* With LiteX's DMA at the core's streams. */

#define BEGIN(channel, area) \
    (streams_##channel##_dma_enable_write(0), streams_##channel##_dma_base_write((uintptr_t)(area)->bytes), \
     streams_##channel##_dma_length_write(size(area)), streams_##channel##_dma_enable_write(1))

static int litex_weights(void)
{
    BEGIN(weights, &rows);
    /* The engine is done before the core has stored the last row. */
    while (!(bitline_core_take_events(&core) & BITLINE_CORE_LOADED))
        ;
    return BITLINE_CORE_OK;
}

static int litex_vectors(void *context)
{
    (void)context;
    BEGIN(vectors, &vectors);
    /* The first results are there already, and wait. */
    BEGIN(results, &results);
    while (!streams_results_dma_done_read())
        ;
    return BITLINE_CORE_OK;
}

static void load_parameters(void)
{
    struct bitline_core_column columns[MAX_COLUMNS];
    struct bitline_core_settings settings;
    unsigned column;

    for (column = 0; column < core.columns; column++) {
        columns[column].bias = get_word();
        columns[column].multiplier = get_word();
        columns[column].shift = get_word();
    }
    settings.zero_point = get_word();
    settings.low = get_word();
    settings.high = get_word();
    settings.rounding = (enum bitline_core_rounding)get_word();
    say("parameters", bitline_core_load_parameters(&core, 0, columns, &settings));
}

static void put_results(void)
{
    unsigned record, column;

    for (record = 0; record < results.count; record++) {
        put_text("result");
        for (column = 0; column < core.columns; column++)
            put_number((int8_t)results.bytes[record * results.stride + column]);
        put('\n');
    }
}

int main(void)
{
    int streams = get();
    struct bitline_core_job job = {{8, 1, 0, 0, 1}, 0, streams ? litex_vectors : own_vectors, 0};

    say("init", bitline_core_init(&core, streams ? STREAMS_BASE : OWN_DMA_BASE));
    describe(&rows, core.rows, core.columns, core.weight_beat);
    fill(&rows, core.columns);
    say("stream_to", bitline_core_stream_to(&core, 0, 0));
    say("weights", streams ? litex_weights() : own_weights());
    load_parameters();
    describe(&vectors, get(), core.rows, core.input_beat);
    fill(&vectors, core.rows);
    describe(&results, vectors.count, core.columns, core.output_beat);

    streams_ev_enable_write(1);
    own_dma_ev_enable_write(1);
    irq_setmask(1 << (streams ? STREAMS_INTERRUPT : OWN_DMA_INTERRUPT));
    irq_setie(1);
    bitline_core_enable(&core, BITLINE_CORE_RESULT);
    say("run", bitline_core_run(&core, &job));
    say("interrupts", (int32_t)interrupts);
    say("error", (int32_t)bitline_core_take_error(&core));
    put_results();
    put(EOT);
    return 0;
}
