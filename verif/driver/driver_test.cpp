// Runs the C driver against the RTL of a core, like a program on a processor.
//
// Reads from standard input the weights of a bank, the columns' parameters, the settings, and vectors; writes what
// happened, a line each: a name and numbers.

#include <string>
#include <vector>

#include "core_numbers.h"

static std::vector<uint8_t> results;
static unsigned marks;
// Reads until a stored bit is inverted, and which bit.
static int strike_in = -1;
static unsigned strike_store, strike_bit;

static void cycle()
{
    core->aclk = 0;
    core->eval();
    if (core->m_axis_tvalid && core->m_axis_tready) {
        marks += core->m_axis_tuser;
        for (unsigned byte = 0; byte < 8; byte++)
            if (core->m_axis_tkeep >> byte & 1)
                results.push_back(core->m_axis_tdata >> 8 * byte);
    }
    core->aclk = 1;
    core->eval();
}

// Inverts a stored bit.
static void upset(unsigned store, unsigned bit)
{
    core->store = store;
    core->word = 0;
    core->bit_ = bit;
    core->strike = 1;
    cycle();
    core->strike = 0;
}

static void before_read()
{
    if (strike_in >= 0 && strike_in-- == 0)
        upset(strike_store, strike_bit);
}

static void send(const std::vector<uint8_t> &bytes, bool complete = true)
{
    for (size_t first = 0; first < bytes.size(); first += 8) {
        uint64_t data = 0;
        uint8_t keep = 0;
        for (size_t byte = 0; byte < 8 && first + byte < bytes.size(); byte++) {
            data |= uint64_t(bytes[first + byte]) << 8 * byte;
            keep |= 1 << byte;
        }
        core->s_axis_tdata = data;
        core->s_axis_tkeep = keep;
        core->s_axis_tlast = first + 8 >= bytes.size() || !complete;
        core->s_axis_tvalid = 1;
        bool taken = false;
        for (int wait = 0; wait < TIMEOUT_CYCLES && !taken; wait++) {
            core->eval();
            taken = core->s_axis_tready;
            cycle();
        }
        core->s_axis_tvalid = 0;
        if (!taken)
            fail("vector");
        if (!complete)
            return;
    }
}

// An integer of so many bits, as streams have it.
static void append(std::vector<uint8_t> &bytes, long value, unsigned bits)
{
    bytes.push_back(value & 255);
    if (bits > 8)
        bytes.push_back(value >> 8 & 255);
}

// Rows of weights by s_axis_w, after the driver has set their destination.
static void stream_rows(const bitline_core &driver)
{
    for (unsigned row = 0; row < driver.rows; row++) {
        std::vector<uint8_t> bytes;
        for (unsigned column = 0; column < driver.columns; column++)
            append(bytes, next(), driver.weight_bits);
        bytes.resize((bytes.size() + driver.weight_beat - 1) / driver.weight_beat * driver.weight_beat);
        for (size_t first = 0; first < bytes.size(); first += driver.weight_beat) {
            uint64_t data = 0;
            for (unsigned byte = 0; byte < driver.weight_beat; byte++)
                data |= uint64_t(bytes[first + byte]) << 8 * byte;
            core->s_axis_w_tdata = data;
            core->s_axis_w_tkeep = (1 << driver.weight_beat) - 1;
            core->s_axis_w_tlast = row + 1 == driver.rows && first + driver.weight_beat == bytes.size();
            core->s_axis_w_tvalid = 1;
            bool taken = false;
            for (int wait = 0; wait < TIMEOUT_CYCLES && !taken; wait++) {
                core->eval();
                taken = core->s_axis_w_tready;
                cycle();
            }
            core->s_axis_w_tvalid = 0;
            if (!taken)
                fail("rows");
        }
    }
}

static void run_vectors(bitline_core &driver, unsigned count)
{
    for (unsigned vector = 0; vector < count; vector++) {
        std::vector<uint8_t> bytes;
        for (unsigned row = 0; row < driver.rows; row++)
            append(bytes, next(), driver.input_bits);
        send(bytes);
    }
    say("idle", bitline_core_wait_idle(&driver));
    std::printf("results");
    for (uint8_t byte : results)
        std::printf(" %u", byte);
    std::printf("\n");
    results.clear();
}

// A job's vectors, with an upset before each of the first attempts.
struct Attempts {
    std::vector<uint8_t> bytes;
    size_t wanted;
    unsigned upsets, calls;
};

static int transfer(void *context)
{
    Attempts &attempts = *static_cast<Attempts *>(context);
    if (attempts.calls++ < attempts.upsets)
        upset(1, 6);
    results.clear();
    send(attempts.bytes, attempts.wanted != 0);
    for (int wait = 0; wait < TIMEOUT_CYCLES && results.size() < attempts.wanted; wait++)
        cycle();
    return results.size() < attempts.wanted ? -100 : 0;
}

static void run_jobs(bitline_core &driver, const bitline_core_vector_settings &settings, const int16_t *weights)
{
    const int16_t *banks[] = {nullptr, weights};
    for (unsigned upsets : {0, 1, 9}) {
        Attempts attempts = {{}, driver.columns * driver.output_bits / 8, upsets, 0};
        for (unsigned row = 0; row < driver.rows; row++)
            append(attempts.bytes, 77, driver.input_bits);
        bitline_core_job job = {settings, banks, transfer, &attempts};
        marks = 0;
        int result = bitline_core_run(&driver, &job);
        std::printf("job%u %d %u %u", upsets, result, attempts.calls, marks);
        for (uint8_t byte : results)
            std::printf(" %u", byte);
        std::printf("\n");
        if (upsets == 9)
            std::printf("wrong_text %s\n", bitline_core_result_text(result));
    }
    results.clear();
    bitline_core_load_rows(&driver, 1, 0, weights, driver.rows);
}

static std::vector<bitline_core_column> next_columns(const bitline_core &driver)
{
    std::vector<bitline_core_column> columns(driver.columns);
    for (auto &column : columns) {
        column.bias = next();
        column.multiplier = next();
        column.shift = next();
    }
    return columns;
}

// The other set, the other bank by the stream, other events, and errors.
static void run_more(bitline_core &driver, bitline_core_vector_settings vector_settings)
{
    auto columns = next_columns(driver);
    auto settings = next_settings();
    say("parameters0", bitline_core_load_parameters(&driver, 0, columns.data(), &settings));
    vector_settings.set = 0;
    say("vector_settings0", bitline_core_set_vector_settings(&driver, &vector_settings));
    run_vectors(driver, 1);

    bitline_core_take_events(&driver);
    bitline_core_enable(&driver, BITLINE_CORE_LOADED);
    cycle();
    say("before", core->irq);
    say("nowhere", bitline_core_stream_to(&driver, 0, driver.rows));
    say("stream_to", bitline_core_stream_to(&driver, 0, 0));
    stream_rows(driver);
    for (int wait = 0; wait < 20; wait++)
        cycle();
    say("loaded", core->irq);
    say("loaded_events", bitline_core_take_events(&driver));
    vector_settings.bank = 0;
    bitline_core_set_vector_settings(&driver, &vector_settings);
    run_vectors(driver, 1);

    core->m_axis_tready = 0;
    uint32_t polls = driver.polls;
    driver.polls = 50;
    std::vector<uint8_t> zeros(driver.rows * (driver.input_bits > 8 ? 2 : 1));
    send(zeros);
    say("timeout", bitline_core_wait_idle(&driver));
    core->m_axis_tready = 1;
    driver.polls = polls;
    say("in_time", bitline_core_wait_idle(&driver));

    Attempts attempts = {zeros, 0, 0, 0};
    bitline_core_job job = {vector_settings, nullptr, transfer, &attempts};
    say("short_job", bitline_core_run(&driver, &job));
    say("short_error", bitline_core_take_error(&driver));
    results.clear();

    bitline_core_fault fault = {9, 9, 9};
    // Column 3, bank 1, row 5.
    strike_store = 2 * 3 + 1;
    strike_bit = 5 * driver.weight_bits + 2;
    strike_in = 200;
    say("struck", bitline_core_self_test(&driver, BITLINE_CORE_MARCH_C_MINUS, &fault));
    std::printf("fault %u %u %u\n", fault.bank, fault.row, fault.column);
}

int main()
{
    VerilatedContext context;
    core = new Vcore(&context);
    core->m_axis_tready = 1;
    core->aresetn = 0;
    for (int reset = 0; reset < 4; reset++)
        cycle();
    core->aresetn = 1;

    bitline_core driver;
    say("elsewhere", bitline_core_init(&driver, BASE + 4));
    say("init", bitline_core_init(&driver, BASE));
    std::printf("sizes %u %u %u %u %u %u %u\n", driver.rows, driver.columns, driver.banks, driver.max_accumulations,
                driver.weight_bits, driver.input_bits, driver.output_bits);
    std::vector<int16_t> weights(driver.rows * driver.columns);
    for (auto &weight : weights)
        weight = next();
    say("load", bitline_core_load_rows(&driver, 1, 0, weights.data(), driver.rows));
    say("bank", bitline_core_load_rows(&driver, driver.banks, 0, weights.data(), 1));
    say("rows", bitline_core_load_rows(&driver, 1, 1, weights.data(), driver.rows));
    auto columns = next_columns(driver);
    auto settings = next_settings();
    int beyond_most = 1 << (driver.output_bits - 1);
    say("parameters", bitline_core_load_parameters(&driver, 1, columns.data(), &settings));
    for (int wrong = 0; wrong < 4; wrong++) {
        bitline_core_settings beyond = settings;
        (wrong == 0 ? beyond.zero_point : wrong == 1 ? beyond.high : beyond.low) = wrong == 2 ? -beyond_most - 1 : beyond_most;
        if (wrong == 3)
            beyond.low = beyond.high + 1;
        say(("settings" + std::to_string(wrong)).c_str(),
            bitline_core_load_parameters(&driver, 1, columns.data(), &beyond));
    }
    bitline_core_vector_settings vector_settings = {driver.input_bits, 1, 1, 1, 1};
    say("vector_settings", bitline_core_set_vector_settings(&driver, &vector_settings));
    bitline_core_vector_settings wrong = vector_settings;
    wrong.bits = driver.input_bits + 1;
    say("wrong", bitline_core_set_vector_settings(&driver, &wrong));
    bitline_core_enable(&driver, BITLINE_CORE_RESULT);
    unsigned count = next();
    run_vectors(driver, count);
    cycle();
    say("irq", core->irq);
    say("events", bitline_core_take_events(&driver) & BITLINE_CORE_RESULT);
    cycle();
    cycle();
    say("quiet", core->irq);

    send(std::vector<uint8_t>(driver.rows), false);
    cycle();
    unsigned error = bitline_core_take_error(&driver);
    say("error", error);
    std::printf("text %s\n", bitline_core_error_text(error));
    say("cleared", bitline_core_take_error(&driver));
    run_vectors(driver, 1);

    run_jobs(driver, vector_settings, weights.data());
    run_more(driver, vector_settings);

    bitline_core_fault fault;
    say("no_test", bitline_core_self_test(&driver, static_cast<bitline_core_test>(0), &fault));
    // The error is read while a test waits, and while it runs.
    shim_write(BASE + 0x58, BITLINE_CORE_MARCH_SS);
    shim_read(BASE + 0xffc);
    refused--;
    say("error_in_march", bitline_core_take_error(&driver));
    say("runs", shim_read(BASE + 0x24) >> 1 & 1);
    say("march_c_minus", bitline_core_self_test(&driver, BITLINE_CORE_MARCH_C_MINUS, &fault));
    say("march_ss", bitline_core_self_test(&driver, BITLINE_CORE_MARCH_SS, &fault));
    say("known_answers", bitline_core_self_test(&driver, BITLINE_CORE_KNOWN_ANSWERS, &fault));
    say("zeroize", bitline_core_zeroize(&driver));
    run_vectors(driver, 1);
    bitline_core_lock(&driver);
    say("locked", bitline_core_load_rows(&driver, 1, 0, weights.data(), 1));
    say("locked_test", bitline_core_self_test(&driver, BITLINE_CORE_MARCH_SS, &fault));
    say("zeroize_locked", bitline_core_zeroize(&driver));
    say("refused", refused);
    return 0;
}
