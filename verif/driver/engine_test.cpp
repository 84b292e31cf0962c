// Runs the C driver of an engine against its RTL, like a program on a processor.
//
// Arguments: images (the good one, one with a wrong CRC-32, one for another engine, one with too many loads, one with a
// wrong descriptor, one without END, one without a descriptor), inputs one behind the other, and a file to write the
// memory to after each run. Writes what happened, a line each: a name and numbers.

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "bitline_engine.h"
#include "processor.h"

using Bytes = std::vector<uint8_t>;

static bitline_engine engine;
static std::ofstream memories;

static void cycle()
{
    core->aclk = 0;
    core->eval();
    core->aclk = 1;
    core->eval();
}

// Reads until another master makes an access that is refused, and until it writes a word.
static int disturb_in = -1, intrude_in = -1;

static void before_read()
{
    if (disturb_in >= 0 && disturb_in-- == 0)
        shim_read(BASE + 0xffc);
    if (intrude_in >= 0 && intrude_in-- == 0)
        shim_write(BASE + 0x58, 0);
}

static Bytes read_file(const char *name)
{
    std::ifstream file(name, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

static void clear_memory()
{
    Bytes zeros(engine.activation_bytes);
    say("clear", bitline_engine_write_memory(&engine, 0, zeros.data(), engine.activation_bytes));
    say("states", bitline_engine_begin_stream(&engine));
}

// What a run left: the whole memory, outputs, class and cycles.
static void report(const std::string &name)
{
    Bytes memory(engine.activation_bytes);
    std::vector<int8_t> output(engine.output_bytes);
    say("memory", bitline_engine_read_memory(&engine, 0, memory.data(), engine.activation_bytes));
    say("output", bitline_engine_read_output(&engine, output.data(), output.size()));
    memories.write(reinterpret_cast<const char *>(memory.data()), memory.size());
    std::printf("outputs_%s", name.c_str());
    for (int8_t each : output)
        std::printf(" %d", each);
    std::printf("\nran_%s %u %u\n", name.c_str(), bitline_engine_class(&engine), bitline_engine_cycles(&engine));
}

static void report_trace()
{
    unsigned count = bitline_engine_trace_count(&engine);
    bitline_engine_entry entry;
    std::printf("trace");
    for (unsigned number = 0; number < count; number++) {
        if (bitline_engine_trace(&engine, number, &entry) != BITLINE_ENGINE_OK)
            fail("trace");
        std::printf(" %u %u %u %u %u", entry.start, entry.end, entry.rows, entry.reads, entry.lanes);
    }
    std::printf("\n");
    say("beyond_trace", bitline_engine_trace(&engine, count, &entry));
}

static void run_by_interrupt(const int8_t *x)
{
    say("input", bitline_engine_write_input(&engine, x, engine.input_bytes));
    say("started", bitline_engine_start(&engine));
    say("irq_before", core->irq);
    for (int wait = 0; wait < TIMEOUT_CYCLES && !core->irq; wait++)
        cycle();
    say("irq", core->irq);
    engine.polls = 1;
    say("ended", bitline_engine_wait(&engine));
    engine.polls = TIMEOUT_CYCLES;
    say("events", bitline_engine_take_events(&engine));
    cycle();
    say("quiet", core->irq);
}

static void refuse_image(const char *name, const Bytes &image)
{
    say(name, bitline_engine_load(&engine, image.data(), image.size()));
}

static void refuse_images(const Bytes &good, const int8_t *x)
{
    Bytes magic = good, longer = good;
    magic[0] = 'X';
    longer.push_back(0);
    say("unloaded", bitline_engine_run(&engine, x, 1));
    say("cut", bitline_engine_load(&engine, good.data(), good.size() - 1));
    say("cut_header", bitline_engine_load(&engine, good.data(), 99));
    refuse_image("long", longer);
    refuse_image("magic", magic);
}

// Accesses that are refused, each of which is a bus error; the driver makes none of them.
static unsigned refused_write(uintptr_t offset, uint32_t value)
{
    unsigned before = refused;
    shim_write(BASE + offset, value);
    return 100 * (refused - before) + bitline_engine_take_error(&engine);
}

static unsigned refused_read(uintptr_t offset)
{
    unsigned before = refused;
    shim_read(BASE + offset);
    return 100 * (refused - before) + bitline_engine_take_error(&engine);
}

static unsigned is_done()
{
    return shim_read(BASE + 0x34) >> 1 & 1;
}

static void misuse(const Bytes &good)
{
    // Before the read of each section's checksum.
    for (int section = 0; section < 4; section++) {
        intrude_in = 2 + section;
        say("intruded", bitline_engine_load(&engine, good.data(), good.size()));
    }
    say("unloaded", bitline_engine_start(&engine));
    // Before the last of seven reads, with as many errors before as the register counts, and more.
    for (int each = 0; each < 300; each++)
        shim_read(BASE + 0xffc);
    disturb_in = 6;
    say("disturbed", bitline_engine_load(&engine, good.data(), good.size()));
    say("disturbed_error", bitline_engine_take_error(&engine));
    say("load", bitline_engine_load(&engine, good.data(), good.size()));
    say("unmapped", refused_read(0xffc));
    say("section", refused_write(0x54, 5u << 24));
    // The first of two is told, and both are counted.
    shim_read(BASE + 0xffc);
    shim_write(BASE + 0x54, 5u << 24);
    say("two_errors", shim_read(BASE + 0x3c) >> 8);
    say("first_error", bitline_engine_take_error(&engine));
    say("count", refused_write(0x50, engine.load_entries + 1));
    say("far", refused_write(0x5c, engine.activation_bytes));
    // The last item of each section, and behind it.
    const uint32_t items[] = {engine.program_length, engine.load_entries, engine.tile_rows,
                              engine.parameter_slots * engine.lanes};
    for (uint32_t section = 0; section < 4; section++) {
        shim_write(BASE + 0x54, section << 24 | (items[section] - 1));
        say("last", refused_write(0x58, 0));
        shim_write(BASE + 0x54, section << 24 | items[section]);
        say("beyond", refused_write(0x58, 0));
    }
    // The word after the last of the memory, and an address for which the last byte is not there.
    shim_write(BASE + 0x54, 4u << 24 | (engine.activation_bytes - 4));
    say("last", refused_write(0x58, 0));
    say("after_last", refused_write(0x58, 0));
    shim_write(BASE + 0x54, 4u << 24 | (engine.activation_bytes - 3));
    say("across", refused_write(0x58, 0));
    Bytes byte(1);
    say("no_bytes", bitline_engine_write_memory(&engine, engine.activation_bytes, byte.data(), 1));
    say("no_read", bitline_engine_read_memory(&engine, 1, byte.data(), engine.activation_bytes));
    clear_memory();
    Bytes some = {1, 2, 3, 4, 5, 6, 7}, found(9, 255), expected = {0, 1, 2, 3, 4, 5, 6, 7, 0};
    bitline_engine_write_memory(&engine, 6, some.data(), 7);
    bitline_engine_read_memory(&engine, 5, found.data(), 9);
    say("part", found == expected);
    // Words at addresses that are no multiples of four, and the first behind the last.
    shim_write(BASE + 0x54, 4u << 24 | 9);
    shim_write(BASE + 0x58, 0x0a0b0c0d);
    shim_write(BASE + 0x5c, 7);
    shim_read(BASE + 0x5c);
    say("apart", shim_read(BASE + 0x60) == 0x0c0d0302 && shim_read(BASE + 0x60) == 0x00000a0b);
    bitline_engine_write_memory(&engine, 0, some.data(), 4);
    shim_write(BASE + 0x5c, engine.activation_bytes - 4);
    shim_read(BASE + 0x5c);
    say("around", shim_read(BASE + 0x60) == 0 && shim_read(BASE + 0x60) == 0x04030201);
    // A read behind a write, at an address from before.
    shim_write(BASE + 0x5c, 64);
    shim_write(BASE + 0x54, 4u << 24 | 64);
    shim_write(BASE + 0x58, 0x11223344);
    say("behind", shim_read(BASE + 0x60) == 0x11223344);
    // The other event.
    bitline_engine_enable(&engine, BITLINE_ENGINE_ERROR);
    bitline_engine_take_events(&engine);
    // A register has its value in the cycle after the answer to the write, the interrupt a cycle later.
    cycle();
    cycle();
    say("no_error", core->irq);
    refused_read(0xffc);
    say("error_irq", core->irq);
    say("error_event", bitline_engine_take_events(&engine));
}

static void misuse_running(const Bytes &good, const int8_t *x)
{
    Bytes byte(1);
    say("start", bitline_engine_start(&engine));
    say("load_running", bitline_engine_load(&engine, good.data(), good.size()));
    say("input_running", bitline_engine_write_input(&engine, x, engine.input_bytes));
    say("memory_running", bitline_engine_read_memory(&engine, 0, byte.data(), 1));
    say("start_running", bitline_engine_start(&engine));
    say("not_done", is_done());
    for (uintptr_t offset : {0x50, 0x54, 0x58, 0x5c, 0x7c})
        say("write_busy", refused_write(offset, 0));
    say("start_busy", refused_write(0x30, 1));
    say("read_busy", refused_read(0x60));
    say("trace_busy", refused_read(0x80));
    engine.polls = 1;
    say("late", bitline_engine_wait(&engine));
    engine.polls = TIMEOUT_CYCLES;
    say("cancel", bitline_engine_cancel(&engine));
    say("nothing", bitline_engine_run(&engine, x, engine.input_bytes - 1));
}

// The first word that is not refused any more, of a run that begins now, so many cycles after its start.
static uint32_t poll(uintptr_t offset, const int8_t *x, int delay)
{
    unsigned before;
    uint32_t word;
    bitline_engine_begin_stream(&engine);
    bitline_engine_write_input(&engine, x, engine.input_bytes);
    shim_write(BASE + 0x5c, delay);
    shim_write(BASE + 0x7c, 8 * (bitline_engine_trace_count(&engine) - 1) + 1);
    bitline_engine_start(&engine);
    for (int each = 0; each < delay; each++)
        cycle();
    if (!(shim_read(BASE + 0x34) & 1))
        fail("the run has ended before it is polled");
    do {
        before = refused;
        word = shim_read(BASE + offset);
    } while (refused != before);
    return word;
}

// Words that are read as soon as they are not refused, with reads at different distances from the end of a run. Inputs take
// turns, so that memory and, of some networks, the trace change.
static void poll_words(const int8_t *x)
{
    const Bytes zeros(engine.input_bytes);
    const int8_t *inputs[] = {x, reinterpret_cast<const int8_t *>(zeros.data())};
    unsigned wrong = 0, wrong_trace = 0;
    uint32_t first, word;
    for (int delay = 0; delay < 20; delay++) {
        word = poll(0x60, inputs[delay & 1], delay);
        shim_write(BASE + 0x5c, delay);
        shim_read(BASE + 0x5c);
        wrong += shim_read(BASE + 0x60) != word;
        first = poll(0x80, inputs[delay & 1], delay);
        for (int each = 0; each < 20; each++)
            cycle();
        wrong_trace += shim_read(BASE + 0x80) != first;
    }
    say("polled_wrong", wrong);
    say("polled_trace_wrong", wrong_trace);
    bitline_engine_take_error(&engine);
}

static void fault(const Bytes &faulty, const int8_t *x)
{
    bitline_engine_fault found;
    say("load_faulty", bitline_engine_load(&engine, faulty.data(), faulty.size()));
    say("run_faulty", bitline_engine_run(&engine, x, engine.input_bytes));
    bitline_engine_take_fault(&engine, &found);
    std::printf("fault %u %u\n", found.code, found.descriptor);
}

int main(int count, char **arguments)
{
    if (count != 10)
        fail("arguments");
    core = new Vcore;
    core->aresetn = 0;
    for (int each = 0; each < 4; each++)
        cycle();
    core->aresetn = 1;
    cycle();
    const Bytes good = read_file(arguments[1]), inputs = read_file(arguments[8]);
    memories.open(arguments[9], std::ios::binary);
    auto x = [&](unsigned number) {
        return reinterpret_cast<const int8_t *>(inputs.data()) + number * engine.input_bytes;
    };
    say("elsewhere", bitline_engine_init(&engine, BASE + 4));
    say("init", bitline_engine_init(&engine, BASE));
    std::printf("sizes %u %u %u %u %u %u %u %u\n", engine.rows, engine.columns, engine.lanes, engine.activation_bytes,
                engine.tile_rows, engine.parameter_slots, engine.program_length, engine.load_entries);
    refuse_images(good, x(0));
    refuse_image("damaged", read_file(arguments[2]));
    refuse_image("foreign", read_file(arguments[3]));
    refuse_image("large", read_file(arguments[4]));
    refuse_image("endless", read_file(arguments[6]));
    refuse_image("empty", read_file(arguments[7]));
    say("still_unloaded", bitline_engine_start(&engine));
    say("load", bitline_engine_load(&engine, good.data(), good.size()));
    clear_memory();
    bitline_engine_enable(&engine, BITLINE_ENGINE_FINISHED);
    run_by_interrupt(x(0));
    report("first");
    report_trace();
    say("refused", refused);
    clear_memory();
    say("run", bitline_engine_run(&engine, x(1), engine.input_bytes));
    report("second");
    say("done", is_done());
    // The event of a run whose end was polled.
    say("irq_polled", core->irq);
    run_by_interrupt(x(0));
    poll_words(x(0));
    misuse_running(good, x(0));
    misuse(good);
    fault(read_file(arguments[5]), x(0));
    say("load", bitline_engine_load(&engine, good.data(), good.size()));
    clear_memory();
    say("run", bitline_engine_run(&engine, x(0), engine.input_bytes));
    report("again");
    // Of a stream the next step.
    say("run", bitline_engine_run(&engine, x(1), engine.input_bytes));
    report("next");
    return 0;
}
