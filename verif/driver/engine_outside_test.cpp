// Runs the C driver of an engine that reads weights itself against its RTL, with a memory on its AXI4 master.
//
// Arguments: an image, an input, a file to write the activation memory to after each run, cycles from a request to its first
// beat, in how many of 1,024 cycles the memory stalls, and how many bursts it takes at once. Writes what happened, a line each: a name and numbers.

#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "bitline_engine.h"
#include "processor.h"

using Bytes = std::vector<uint8_t>;

// Of AXI4: of a burst that increases the address, an answer that is an error, and the block that no burst leaves.
static const unsigned INCREMENTING = 1, ERROR = 2, BLOCK = 4096;

static bitline_engine engine;
static std::ofstream memories;

struct Beat {
    const uint8_t *bytes;
    unsigned id;
    bool last;
    uint64_t from;
};

// The memory: what it has, what it is to answer, and whether it does.
static const uint8_t *first, *end;
static std::deque<Beat> beats;
static uint64_t now, latency;
static unsigned stalls, most_bursts, bursts, bytes_of_beat;
// Beats until one is an error; whether it answers.
static int wrong_in = -1;
static bool answers = true;
static std::mt19937 drawn(1);

static bool stalled() { return stalls && drawn() % 1024 < stalls; }

struct Request {
    bool valid;
    uint64_t address;
    unsigned length, id;

    bool operator!=(const Request &other) const
    {
        return valid != other.valid || address != other.address || length != other.length || id != other.id;
    }
};
static Request waiting;

static void accept()
{
    const unsigned count = core->m_axi_arlen + 1u;
    const uint8_t *from = reinterpret_cast<const uint8_t *>(core->m_axi_araddr), *to = from + count * bytes_of_beat;
    if (1u << core->m_axi_arsize != bytes_of_beat || core->m_axi_arburst != INCREMENTING)
        fail("burst");
    if (from < first || to > end || core->m_axi_araddr / BLOCK != (core->m_axi_araddr + count * bytes_of_beat - 1) / BLOCK)
        fail("address");
    for (; from < to; from += bytes_of_beat)
        beats.push_back({from, core->m_axi_arid, from + bytes_of_beat == to, now + latency});
    bursts++;
}

static void cycle()
{
    core->aclk = 0;
    core->m_axi_arready = bursts < most_bursts && !stalled();
    const bool answered = answers && !beats.empty() && beats.front().from <= now && !stalled();
    core->m_axi_rvalid = answered;
    if (answered) {
        core->m_axi_rid = beats.front().id;
        core->m_axi_rlast = beats.front().last;
        core->m_axi_rresp = wrong_in == 0 ? ERROR : 0;
        std::memcpy(&core->m_axi_rdata, beats.front().bytes, bytes_of_beat);
        wrong_in -= wrong_in >= 0;
    }
    core->eval();
    if (answered && !core->m_axi_rready)
        fail("ready");
    // A request stays as it is until it is accepted.
    const Request request = {core->m_axi_arvalid, core->m_axi_araddr, core->m_axi_arlen, core->m_axi_arid};
    if (waiting.valid && request != waiting)
        fail("request");
    waiting = core->m_axi_arready || !core->aresetn ? Request{} : request;
    if (core->m_axi_arvalid && core->m_axi_arready)
        accept();
    core->aclk = 1;
    core->eval();
    if (answered) {
        bursts -= beats.front().last;
        beats.pop_front();
    }
    now++;
}

static void before_read() {}

static Bytes read_file(const char *name)
{
    std::ifstream file(name, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

static void load(const char *name, const uint8_t *image, size_t size)
{
    uint32_t bytes;
    const uint8_t *rows = bitline_engine_weights(image, &bytes);
    first = engine.weights ? engine.weights : rows;
    end = first + bytes;
    say(name, bitline_engine_load(&engine, image, size));
}

// A run from a memory of zeros, and what it left.
static void run(const char *name, const Bytes &x)
{
    Bytes memory(engine.activation_bytes);
    bitline_engine_fault fault;
    bitline_engine_write_memory(&engine, 0, memory.data(), engine.activation_bytes);
    const int result = bitline_engine_run(&engine, reinterpret_cast<const int8_t *>(x.data()), x.size());
    bitline_engine_take_fault(&engine, &fault);
    std::printf("%s %d %u %u\n", name, result, fault.code, bitline_engine_cycles(&engine));
    bitline_engine_read_memory(&engine, 0, memory.data(), engine.activation_bytes);
    if (result == BITLINE_ENGINE_OK)
        memories.write(reinterpret_cast<const char *>(memory.data()), memory.size());
}

int main(int count, char **arguments)
{
    if (count != 7)
        fail("arguments");
    core = new Vcore;
    const Bytes image = read_file(arguments[1]), x = read_file(arguments[2]);
    memories.open(arguments[3], std::ios::binary);
    latency = std::atoi(arguments[4]);
    stalls = std::atoi(arguments[5]);
    most_bursts = std::atoi(arguments[6]);
    core->aresetn = 0;
    for (int each = 0; each < 4; each++)
        cycle();
    core->aresetn = 1;
    say("init", bitline_engine_init(&engine, BASE));
    say("port", bytes_of_beat = engine.weight_port);
    // The image at an address with its rows between two beats, and at one with them where a beat begins.
    uint32_t bytes;
    const uint8_t *rows = bitline_engine_weights(image.data(), &bytes);
    Bytes room(image.size() + 2 * bytes_of_beat);
    uint8_t *place = room.data();
    while (reinterpret_cast<uintptr_t>(place + (rows - image.data())) % bytes_of_beat)
        place++;
    std::memcpy(place + 1, image.data(), image.size());
    load("apart", place + 1, image.size());
    std::memcpy(place, image.data(), image.size());
    load("load", place, image.size());
    run("in_place", x);
    // A copy that begins some beats behind a block, so that bursts come to its end, and that is damaged, or is not.
    Bytes copy(bytes + 2 * BLOCK);
    uint8_t *there = copy.data();
    while ((reinterpret_cast<uintptr_t>(there) + 3 * bytes_of_beat) % BLOCK)
        there++;
    std::memcpy(there, rows, bytes);
    engine.weights = there;
    there[bytes - 1] ^= 1;
    load("damaged", image.data(), image.size());
    there[bytes - 1] ^= 1;
    load("load", image.data(), image.size());
    run("copy", x);
    wrong_in = 100;
    run("wrong", x);
    run("after_wrong", x);
    answers = false;
    run("silent", x);
    answers = true;
    run("after_silent", x);
    return 0;
}
