/* Runs a network on the engine of the SoC.
 *
 * Reads, little-endian: how many bytes an image has, 32 bits, and the image; then an input. Writes what happened, a line
 * each: a name and numbers. */

#include <generated/csr.h>
#include <generated/mem.h>
#include <irq.h>

#include "bitline_engine.h"
#include "serial.h"

enum { IMAGE_BYTES = 8192, DATA_BYTES = 512, MAX_BEAT = 64 };

/* An engine with a weight port reads its rows of weights here. */
static uint8_t image[IMAGE_BYTES] __attribute__((aligned(MAX_BEAT)));
static int8_t data[DATA_BYTES];
static struct bitline_engine engine;
static volatile unsigned interrupts;

/* What the engine's interrupt calls. */
void isr(void);
void isr(void)
{
    bitline_engine_take_events(&engine);
    interrupts++;
}

static void fill(uint8_t *bytes, uint32_t count)
{
    uint32_t byte;

    for (byte = 0; byte < count; byte++)
        bytes[byte] = get();
}

int main(void)
{
    uint32_t size = (uint32_t)get_word(), output;

    fill(image, size);
    say("init", bitline_engine_init(&engine, ENGINE_BASE));
    say("load", bitline_engine_load(&engine, image, size));
    fill((uint8_t *)data, engine.input_bytes);
    engine_ev_enable_write(1);
    irq_setmask(1 << ENGINE_INTERRUPT);
    irq_setie(1);
    bitline_engine_enable(&engine, BITLINE_ENGINE_FINISHED);
    say("input", bitline_engine_write_input(&engine, data, engine.input_bytes));
    say("start", bitline_engine_start(&engine));
    while (!interrupts)
        ;
    say("wait", bitline_engine_wait(&engine));
    say("interrupts", (int32_t)interrupts);
    say("class", (int32_t)bitline_engine_class(&engine));
    say("read", bitline_engine_read_output(&engine, data, engine.output_bytes));
    put_text("output");
    for (output = 0; output < engine.output_bytes; output++)
        put_number(data[output]);
    put('\n');
    put(EOT);
    return 0;
}
