// Runs jobs on an engine, one after the other without a reset: each loads an image word by word, runs it on each of some
// memories, and writes what became of the memory.
// Arguments: a file to read, one to write, a seed of all that has no value; others are for the Verilog. Both files are
// numbers of 32 bits:
//   read: bytes of the memory, cycles from an address to its bytes, and from the end of a descriptor to the next; for each
//     job counts of words and of loads, the most cycles of a run, the cycle in which the first run is canceled (0: never),
//     count of runs, an `Outside`, count of bytes that it has; for each word section, item, part, word; these bytes; for
//     each run the memory before it;
//   written: for each run the count of descriptors that ended, argmax, whether it ended, its fault and of which
//     descriptor; of each the cycle after which it ended; the memory after each as its writes have it; the memory after
//     the run as it is read; the count of entries of the trace, and each, as read.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

#include "Vengine.h"
#include "outside_memory.h"
#include "verilated.h"

using Bytes = std::vector<uint8_t>;

// Of `Section` and `Trace`: the compiler is told them.
static const uint32_t ACTIVATIONS = SECTION_ACTIVATIONS;
static const std::size_t ENTRY_WORDS = TRACE_ENTRY_WORDS, TRACE_READ = TRACE_LATENCY;
static const int LANES = sizeof(Vengine::data);

static std::ifstream input;
static std::ofstream output;

static uint32_t get() {
    uint32_t word = 0;
    input.read(reinterpret_cast<char*>(&word), sizeof word);
    return word;
}

static void put(uint32_t word) { output.write(reinterpret_cast<const char*>(&word), sizeof word); }

static void put(const Bytes& bytes) { output.write(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }

// Ports of up to 64 bits are integers, wider ones words; both have the lowest byte first.
template <typename Port>
static const uint8_t* bytes_of(const Port& port) {
    return reinterpret_cast<const uint8_t*>(&port);
}

static void tick(Vengine* top) {
    top->clk = 1;
    top->eval();
    top->clk = 0;
    top->eval();
}

static void load(Vengine* top, uint32_t section, uint32_t item, uint32_t part, uint32_t word) {
    top->valid = 1;
    top->section = section;
    top->item = item;
    top->part = part;
    top->word = word;
    top->eval();
    tick(top);
    top->valid = 0;
}

// A memory's bytes into the engine, where they differ from those that are there.
static void load_memory(Vengine* top, Bytes& there, const Bytes& wanted, bool all) {
    for (std::size_t at = 0; at < wanted.size(); at += 4) {
        uint32_t word;
        std::memcpy(&word, &wanted[at], 4);
        if (all || std::memcmp(&there[at], &wanted[at], 4) != 0) load(top, ACTIVATIONS, at, 0, word);
    }
    there = wanted;
}

static Bytes read_memory(Vengine* top, std::size_t size, uint32_t latency) {
    Bytes found(size);
    for (std::size_t cycle = 0; cycle < size / LANES + latency; ++cycle) {
        top->address = cycle * LANES % size;
        top->eval();
        if (cycle >= latency) std::memcpy(&found[(cycle - latency) * LANES], bytes_of(top->data), LANES);
        tick(top);
    }
    return found;
}

// Whether it ended. Of the first run of a job, the cycle in which it is canceled, or 0.
static bool run(Vengine* top, OutsideMemory& outside, Bytes& memory, uint32_t latency, uint32_t gap, uint32_t most,
                bool is_first, bool is_silent, uint32_t cancel) {
    std::vector<uint32_t> ends;
    std::vector<Bytes> memories;
    top->start = 1;
    tick(top);
    top->start = 0;
    top->eval();
    // What a descriptor writes is in memory before the next starts.
    uint32_t left = 0;
    for (uint32_t cycle = 0; top->running && cycle < most; ++cycle) {
        top->cancel = is_first && cancel && cycle == cancel;
        outside.drive(top, is_silent);
        top->eval();
        for (int lane = 0; lane < LANES; ++lane)
            if (top->write >> lane & 1) memory[(top->target + lane) % memory.size()] = bytes_of(top->results)[lane];
        if (top->ended) {
            ends.push_back(top->cycle + 1);
            left = gap;
        } else if (left && --left == 0) {
            memories.push_back(memory);
        }
        if (!outside.step(top)) return false;
        tick(top);
    }
    outside.rest(top);
    if (left) memories.push_back(memory);
    put(ends.size());
    put(top->argmax);
    put(!top->running);
    put(top->fault);
    put(top->fault_number);
    for (const uint32_t end : ends) put(end);
    for (const Bytes& each : memories) put(each);
    put(read_memory(top, memory.size(), latency));
    put(top->trace_count);
    for (std::size_t word = 0; word < top->trace_count * ENTRY_WORDS; ++word) {
        top->trace_address = word;
        for (std::size_t cycle = 0; cycle < TRACE_READ; ++cycle) tick(top);
        top->eval();
        put(top->trace_data);
    }
    return !top->running;
}

int main(int count, char** arguments) {
    if (count < 4) return 2;
    Verilated::commandArgs(count, arguments);
    input.open(arguments[1], std::ios::binary);
    output.open(arguments[2], std::ios::binary);
    Verilated::randReset(2);
    Verilated::randSeed(std::atoi(arguments[3]) + 1);
    auto* top = new Vengine;
    const uint32_t size = get(), latency = get(), gap = get();
    top->clk = top->start = top->valid = top->cancel = 0;
    top->rst = 1;
    top->eval();
    tick(top);
    tick(top);
    top->rst = 0;
    Bytes memory(size), wanted(size);
    for (bool is_first = true; input.peek() != EOF;) {
        const uint32_t words = get(), loads = get(), most = get(), cancel = get(), runs = get();
        Outside how;
        input.read(reinterpret_cast<char*>(&how), sizeof how);
        Bytes rows(get());
        top->load_count = loads;
        for (uint32_t word = 0; word < words; ++word) {
            const uint32_t section = get(), item = get(), part = get(), value = get();
            load(top, section, item, part, value);
        }
        input.read(reinterpret_cast<char*>(rows.data()), rows.size());
        OutsideMemory outside(how, rows);
        for (uint32_t number = 0; number < runs; ++number, is_first = false) {
            input.read(reinterpret_cast<char*>(wanted.data()), size);
            load_memory(top, memory, wanted, is_first);
            for (int idle = 0; idle < 4; ++idle) tick(top);
            const bool is_silent = runs == 1 || number + 1 < runs;
            if (!run(top, outside, memory, latency, gap, most, number == 0, is_silent, cancel)) return 1;
        }
    }
    top->final();
    delete top;
    return 0;
}
