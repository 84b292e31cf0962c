// Runs the C driver of a block core against its RTL, like a program on a processor, with a DMA at the streams.
//
// Reads from standard input, as numbers: for each bank the format, codes (rows by columns) and scales (columns) of its
// weights; how many accumulations follow, and of each how many blocks; of a block its format, scale, bank, base and
// codes (rows). Writes what happened, a line each: a name and numbers.

#include <cstring>
#include <string>
#include <vector>

#include "bitline_block_core.h"
#include "core_numbers.h"

using Bytes = std::vector<uint8_t>;

static bitline_block_core driver;
static std::vector<uint32_t> results, marks;

static void cycle()
{
    core->aclk = 0;
    core->eval();
    if (core->m_axis_tvalid && core->m_axis_tready) {
        results.push_back(core->m_axis_tdata);
        marks.push_back(core->m_axis_tuser);
    }
    core->aclk = 1;
    core->eval();
}

static void before_read() {}

static Bytes next_bytes(unsigned count)
{
    Bytes bytes(count);
    for (auto &byte : bytes)
        byte = next();
    return bytes;
}

static void say_numbers(const std::string &name, const Bytes &bytes)
{
    std::printf("%s", name.c_str());
    for (unsigned byte : bytes)
        std::printf(" %u", byte);
    std::printf("\n");
}

// A packet for a stream, whose beat ends with `taken`; how many results to wait for; what the transfer returns.
struct Transfer {
    Bytes bytes;
    size_t wanted;
    int returned;
};

template <typename Data, typename Keep>
static void send(const Bytes &bytes, unsigned beat, Data &data, Keep &keep, CData &last, CData &valid, CData &ready)
{
    for (size_t first = 0; first < bytes.size(); first += beat) {
        std::memcpy(&data, bytes.data() + first, beat);
        keep = ~uint64_t(0) >> (64 - beat);
        last = first + beat == bytes.size();
        valid = 1;
        bool taken = false;
        for (int wait = 0; wait < TIMEOUT_CYCLES && !taken; wait++) {
            core->eval();
            taken = ready;
            cycle();
        }
        valid = 0;
        if (!taken)
            fail("beat");
    }
}

static int send_weights(void *context)
{
    const Transfer &transfer = *static_cast<Transfer *>(context);
    send(transfer.bytes, driver.weight_beat, core->s_axis_w_tdata, core->s_axis_w_tkeep, core->s_axis_w_tlast,
         core->s_axis_w_tvalid, core->s_axis_w_tready);
    return transfer.returned;
}

static int send_vectors(void *context)
{
    const Transfer &transfer = *static_cast<Transfer *>(context);
    results.clear();
    marks.clear();
    send(transfer.bytes, driver.input_beat, core->s_axis_tdata, core->s_axis_tkeep, core->s_axis_tlast,
         core->s_axis_tvalid, core->s_axis_tready);
    for (int wait = 0; wait < TIMEOUT_CYCLES && results.size() < transfer.wanted; wait++)
        cycle();
    return transfer.returned;
}

static void load_bank(unsigned bank)
{
    const auto format = static_cast<bitline_block_core_format>(next());
    const Bytes codes = next_bytes(driver.rows * driver.columns), scales = next_bytes(driver.columns);
    Transfer transfer = {Bytes(bitline_block_core_weight_bytes(&driver)), 0, 0};
    bitline_block_core_weights weights = {format, codes.data(), scales.data(), bank};
    say("pack_weights", bitline_block_core_pack_weights(&driver, &weights, transfer.bytes.data()));
    say_numbers("weights" + std::to_string(bank), transfer.bytes);
    say("load", bitline_block_core_load(&driver, send_weights, &transfer));
    if (bank)
        return;
    // A format and a bank that there are not; a packet with one of them.
    for (unsigned format_bank : {0u, driver.banks}) {
        bitline_block_core_weights wrong = {static_cast<bitline_block_core_format>(7), codes.data(), scales.data(), 0};
        if (format_bank)
            wrong = {format, codes.data(), scales.data(), format_bank};
        say("no_weights", bitline_block_core_pack_weights(&driver, &wrong, transfer.bytes.data()));
    }
    Transfer wrong = transfer;
    wrong.bytes[1] |= 15;
    say("load_wrong", bitline_block_core_load(&driver, send_weights, &wrong));
    say("load_error", bitline_core_take_error(&driver.core));
    wrong.returned = -100;
    say("load_failed", bitline_block_core_load(&driver, send_weights, &wrong));
    bitline_core_take_error(&driver.core);
    wrong = {{}, 0, 0};
    driver.core.polls = 10;
    say("load_nothing", bitline_block_core_load(&driver, send_weights, &wrong));
    driver.core.polls = TIMEOUT_CYCLES;
}

static Transfer next_accumulation(unsigned number)
{
    Transfer transfer = {{}, driver.columns, 0};
    const unsigned blocks = next();
    for (unsigned index = 0; index < blocks; index++) {
        const auto format = static_cast<bitline_block_core_format>(next());
        const uint8_t scale = next();
        const unsigned bank = next(), base = next();
        const Bytes codes = next_bytes(driver.rows);
        Bytes block(bitline_block_core_vector_bytes(&driver));
        const bitline_block_core_vector vector = {format, codes.data(), scale, bank, base, index + 1 == blocks};
        say("pack_vector", bitline_block_core_pack_vector(&driver, &vector, block.data()));
        transfer.bytes.insert(transfer.bytes.end(), block.begin(), block.end());
        auto wrong = vector;
        wrong.format = static_cast<bitline_block_core_format>(8);
        say("no_vector", bitline_block_core_pack_vector(&driver, &wrong, block.data()));
        wrong = vector;
        wrong.bank = driver.banks;
        say("no_vector", bitline_block_core_pack_vector(&driver, &wrong, block.data()));
        wrong = vector;
        wrong.base = 1 << 15;
        say("no_vector", bitline_block_core_pack_vector(&driver, &wrong, block.data()));
    }
    say_numbers("vectors" + std::to_string(number), transfer.bytes);
    return transfer;
}

static void run(unsigned number, Transfer &transfer)
{
    std::printf("run%u %d\n", number, bitline_block_core_run(&driver, send_vectors, &transfer));
    std::printf("results%u", number);
    for (size_t column = 0; column < results.size(); column++)
        std::printf(" %u %u", results[column], marks[column]);
    std::printf("\n");
}

// A packet that names what there is not, one whose results wait, and the interrupt.
static void misuse(const Transfer &good)
{
    Transfer transfer = good;
    transfer.bytes[1] |= 15;
    say("run_wrong", bitline_block_core_run(&driver, send_vectors, &transfer));
    const unsigned error = bitline_core_take_error(&driver.core);
    say("run_error", error);
    std::printf("text %s\n", bitline_block_core_error_text(error));
    say("cleared", bitline_core_take_error(&driver.core));
    transfer = good;
    transfer.returned = -100;
    say("run_failed", bitline_block_core_run(&driver, send_vectors, &transfer));
    bitline_core_enable(&driver.core, BITLINE_CORE_RESULT);
    say("events", bitline_core_take_events(&driver.core) & BITLINE_CORE_RESULT);
    cycle();
    cycle();
    say("quiet", core->irq);
    transfer.wanted = transfer.returned = core->m_axis_tready = 0;
    driver.core.polls = 50;
    say("late", bitline_block_core_run(&driver, send_vectors, &transfer));
    core->m_axis_tready = 1;
    driver.core.polls = TIMEOUT_CYCLES;
    say("idle", bitline_core_wait_idle(&driver.core));
    cycle();
    cycle();
    say("irq", core->irq);
}

int main()
{
    core = new Vcore;
    core->m_axis_tready = 1;
    core->aresetn = 0;
    for (int reset = 0; reset < 4; reset++)
        cycle();
    core->aresetn = 1;
    cycle();
    say("elsewhere", bitline_block_core_init(&driver, BASE + 4));
    say("init", bitline_block_core_init(&driver, BASE));
    std::printf("sizes %u %u %u %u %u %u %u %u %u\n", driver.rows, driver.columns, driver.banks, driver.max_blocks,
                driver.vector_formats, driver.weight_formats, driver.result_bits, driver.bias, driver.max_shift);
    for (unsigned bank = 0; bank < driver.banks; bank++)
        load_bank(bank);
    const unsigned accumulations = next();
    Transfer transfer;
    for (unsigned number = 0; number < accumulations; number++) {
        transfer = next_accumulation(number);
        run(number, transfer);
    }
    misuse(transfer);
    say("refused", refused);
    return 0;
}
