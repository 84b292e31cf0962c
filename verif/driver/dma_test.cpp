// Runs the C driver against the RTL of a core with a DMA and a memory, like a program on a processor.
//
// Reads from standard input the weights of a bank, the columns' parameters, the settings, and vectors; writes what
// happened, a line each: a name and numbers.

#include <cstring>
#include <deque>

#include "core_numbers.h"

static const uint64_t MEMORY = 0x80000000, SIZE = 1 << 16;
static const unsigned LATENCY = 20;
static uint8_t memory[SIZE];
static unsigned now;

struct Beat { unsigned due; uint64_t address; uint8_t id; bool last; };
static std::deque<Beat> reads;
static std::deque<std::pair<uint64_t, unsigned>> writes;
static std::deque<std::pair<unsigned, bool>> answers;
static bool write_failed;

static bool exists(uint64_t address) { return address >= MEMORY && address + 8 <= MEMORY + SIZE; }

static void drive_memory()
{
    core->m_axi_arready = core->m_axi_awready = now % 3 == 0;
    core->m_axi_wready = !writes.empty();
    core->m_axi_rvalid = !reads.empty() && reads.front().due <= now;
    if (core->m_axi_rvalid) {
        Beat beat = reads.front();
        core->m_axi_rid = beat.id;
        core->m_axi_rlast = beat.last;
        core->m_axi_rresp = exists(beat.address) ? 0 : 3;
        if (exists(beat.address))
            std::memcpy(&core->m_axi_rdata, memory + (beat.address - MEMORY), 8);
    }
    core->m_axi_bvalid = !answers.empty() && answers.front().first <= now;
    if (core->m_axi_bvalid)
        core->m_axi_bresp = answers.front().second ? 3 : 0;
}

static void cycle()
{
    core->aclk = 0;
    drive_memory();
    core->eval();
    bool read = core->m_axi_rvalid && core->m_axi_rready, answered = core->m_axi_bvalid && core->m_axi_bready;
    if (core->m_axi_wvalid && core->m_axi_wready) {
        auto &[address, left] = writes.front();
        write_failed |= !exists(address);
        for (unsigned byte = 0; byte < 8 && exists(address); byte++)
            if (core->m_axi_wstrb >> byte & 1)
                memory[address - MEMORY + byte] = core->m_axi_wdata >> 8 * byte;
        address += 8;
        if (--left == 0) {
            answers.push_back({now + LATENCY, write_failed});
            write_failed = false;
            writes.pop_front();
        }
    }
    if (read)
        reads.pop_front();
    if (answered)
        answers.pop_front();
    if (core->m_axi_arvalid && core->m_axi_arready)
        for (unsigned beat = 0; beat <= core->m_axi_arlen; beat++)
            reads.push_back({now + LATENCY, core->m_axi_araddr + 8 * beat, core->m_axi_arid, beat == core->m_axi_arlen});
    if (core->m_axi_awvalid && core->m_axi_awready)
        writes.push_back({core->m_axi_awaddr, core->m_axi_awlen + 1u});
    core->aclk = 1;
    core->eval();
    now++;
}

static void before_read() {}

// A transfer from begin to end.
static int transfer(bitline_core &driver, bitline_core_dma_channel channel, uint64_t address, uint32_t bytes)
{
    int result = bitline_core_dma_begin(&driver, channel, address, bytes);
    return result == BITLINE_CORE_OK ? bitline_core_dma_wait(&driver, channel) : result;
}

// What the driver must refuse, and what memory does.
static void do_wrong(bitline_core &driver, uint64_t results)
{
    say("none", transfer(driver, BITLINE_CORE_DMA_VECTORS, MEMORY, 0));
    say("part", transfer(driver, BITLINE_CORE_DMA_VECTORS, MEMORY, 12));
    say("misaligned", transfer(driver, BITLINE_CORE_DMA_VECTORS, MEMORY + 4, 16));
    say("beyond", transfer(driver, BITLINE_CORE_DMA_VECTORS, UINT64_C(1) << 32, 16));
    say("wraps", transfer(driver, BITLINE_CORE_DMA_VECTORS, UINT64_C(0xfffffff8), 16));
    say("elsewhere", transfer(driver, BITLINE_CORE_DMA_VECTORS, MEMORY + SIZE, 16));
    say("elsewhere_error", bitline_core_take_error(&driver));
    say("elsewhere_left", bitline_core_dma_left(&driver, BITLINE_CORE_DMA_VECTORS));
    // A vector whose result no memory takes.
    say("lost_begin", bitline_core_dma_begin(&driver, BITLINE_CORE_DMA_RESULTS, MEMORY + SIZE, 8));
    say("lost_vector", transfer(driver, BITLINE_CORE_DMA_VECTORS, MEMORY, 16));
    say("lost", bitline_core_dma_wait(&driver, BITLINE_CORE_DMA_RESULTS));
    say("lost_left", bitline_core_dma_left(&driver, BITLINE_CORE_DMA_RESULTS));
    say("lost_error", bitline_core_take_error(&driver));
    bitline_core_dma_channel no_channel = static_cast<bitline_core_dma_channel>(3);
    say("no_channel", bitline_core_dma_begin(&driver, no_channel, MEMORY, 16));
    say("no_wait", bitline_core_dma_wait(&driver, no_channel));
    say("no_stop", bitline_core_dma_stop(&driver, no_channel));
    say("first", bitline_core_dma_begin(&driver, BITLINE_CORE_DMA_RESULTS, results, 8));
    say("second", bitline_core_dma_begin(&driver, BITLINE_CORE_DMA_RESULTS, results, 8));
    say("stop", bitline_core_dma_stop(&driver, BITLINE_CORE_DMA_RESULTS));
    say("stopped", bitline_core_dma_wait(&driver, BITLINE_CORE_DMA_RESULTS));
}

int main()
{
    VerilatedContext context;
    core = new Vcore(&context);
    for (int reset = 0; reset < 4; reset++)
        cycle();
    core->aresetn = 1;
    bitline_core driver;
    say("init", bitline_core_init(&driver, BASE));
    say("address_bits", driver.dma_address_bits);

    // Rows of weights, columns' parameters, and vectors, each from a beat on; elements have one byte.
    uint64_t place = MEMORY, row_bytes = (driver.columns + 7) / 8 * 8, vector_bytes = (driver.rows + 7) / 8 * 8;
    for (unsigned row = 0; row < driver.rows; row++, place += row_bytes)
        for (unsigned column = 0; column < driver.columns; column++)
            memory[place - MEMORY + column] = next();
    uint64_t parameters = place;
    for (unsigned column = 0; column < driver.columns; column++, place += 16)
        for (unsigned word = 0; word < 3; word++) {
            int32_t value = next();
            std::memcpy(memory + (place - MEMORY) + 4 * word, &value, 4);
        }
    bitline_core_settings settings = next_settings();
    uint64_t vectors = place;
    unsigned count = next();
    for (unsigned number = 0; number < count; number++, place += vector_bytes)
        for (unsigned row = 0; row < driver.rows; row++)
            memory[place - MEMORY + row] = next();

    say("stream_to", bitline_core_stream_to(&driver, 1, 0));
    say("weights", transfer(driver, BITLINE_CORE_DMA_WEIGHTS, MEMORY, driver.rows * row_bytes));
    say("parameters_to", bitline_core_stream_parameters_to(&driver, 0, &settings));
    say("parameters", transfer(driver, BITLINE_CORE_DMA_WEIGHTS, parameters, 16 * driver.columns));
    bitline_core_vector_settings how = {8, 1, 1, 0, 1};
    say("vector_settings", bitline_core_set_vector_settings(&driver, &how));
    bitline_core_take_events(&driver);
    say("results", bitline_core_dma_begin(&driver, BITLINE_CORE_DMA_RESULTS, place, count * row_bytes));
    say("vectors", transfer(driver, BITLINE_CORE_DMA_VECTORS, vectors, count * vector_bytes));
    say("written", bitline_core_dma_wait(&driver, BITLINE_CORE_DMA_RESULTS));
    say("events", bitline_core_take_events(&driver));
    for (unsigned number = 0; number < count; number++) {
        std::printf("result%u", number);
        for (unsigned column = 0; column < driver.columns; column++)
            std::printf(" %d", static_cast<int8_t>(memory[place - MEMORY + number * row_bytes + column]));
        std::printf("\n");
    }
    say("error", bitline_core_take_error(&driver));
    do_wrong(driver, place);
    say("refused", refused);
    delete core;
    return 0;
}
