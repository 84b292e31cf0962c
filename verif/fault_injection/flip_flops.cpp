// Runs one program on a macro many times, each time with one flip-flop flipped in one cycle, and prints the outcomes.
// Argument: the program; pairs of flip-flop and cycle on standard input. The program: counts of writes, vectors and flip-flops; then for each write and each vector how many of the other
// stream come first and the fields of its port, for each vector also its result. Numbers are hexadecimal.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "flips.h"

using Words = std::vector<uint32_t>;

struct Item {
    long after;
    Words fields, result;
};

static Words parse(const std::string& text) {
    Words words;
    for (long end = text.size(); end > 0; end -= 8) {
        const long start = end > 8 ? end - 8 : 0;
        words.push_back(std::stoul(text.substr(start, end - start), nullptr, 16));
    }
    return words;
}

template <std::size_t Count>
static void put(VlWide<Count>& port, const Words& words) {
    for (std::size_t word = 0; word < Count; ++word) port[word] = word < words.size() ? words[word] : 0;
}

template <std::size_t Count>
static bool equal(const VlWide<Count>& port, const Words& words) {
    for (std::size_t word = 0; word < Count; ++word)
        if (port[word] != (word < words.size() ? words[word] : 0)) return false;
    return true;
}

template <std::size_t Count>
static bool same(const VlWide<Count>& a, const VlWide<Count>& b) {
    return std::equal(a.m_storage, a.m_storage + Count, b.m_storage);
}

static std::vector<Item> writes, vectors;
static long pause_cycles = 0;

// After a reset of one cycle.
static Run play(Vbench* top, long flip, long flip_cycle, long limit) {
    Run run;
    auto edge = [&] {
        top->clk = 1;
        top->eval();
        top->clk = 0;
    };
    top->rst = 1;
    top->write_valid = top->i_valid = 0;
    top->o_ready = 1;
    for (auto& word : top->flip.m_storage) word = 0;
    top->clk = 0;
    top->eval();
    edge();
    top->rst = 0;
    std::size_t write = 0, vector = 0;
    bool waits = false;
    auto before = top->o;
    uint32_t noise = 1;
    for (long idle = 0; run.cycles < limit; ++run.cycles) {
        top->o_ready = is_taken(noise);
        const bool writing = write < writes.size() && writes[write].after <= static_cast<long>(vector);
        const bool asking = vector < vectors.size() && vectors[vector].after <= static_cast<long>(write);
        top->write_valid = writing;
        top->i_valid = asking;
        if (writing) put(top->write, writes[write].fields);
        if (asking) put(top->i, vectors[vector].fields);
        const bool flips = run.cycles == flip_cycle;
        if (flips) top->flip[flip / 32] = 1u << flip % 32;
        top->eval();
        if (waits && (!top->o_valid || !same(top->o, before))) run.detected = true;
        if (top->o_valid && top->o_ready) {
            if (run.taken >= static_cast<long>(vector))
                run.detected = true;
            else if (!equal(top->o, vectors[run.taken].result))
                run.wrong = true;
            ++run.taken;
        }
        waits = top->o_valid && !top->o_ready;
        before = top->o;
        const bool wrote = writing && top->write_ready, asked = asking && top->i_ready;
        edge();
        if (flips) top->flip[flip / 32] = 0;
        write += wrote;
        vector += asked;
        // Surplus results show while nothing is offered.
        const bool done = write == writes.size() && vector == vectors.size() && run.taken >= static_cast<long>(vector);
        if (done && !idle) {
            run.complete = true;
            if (clean_cycles == 0) clean_cycles = run.cycles + 1;
        }
        if (done && ++idle > pause_cycles) break;
    }
    return run;
}

int main(int count, char** arguments) {
    if (count != 2) return 2;
    std::ifstream file(arguments[1]);
    std::size_t many_writes, many_vectors;
    file >> std::hex >> many_writes >> many_vectors >> pause_cycles;
    std::string fields, result;
    Item item;
    while (many_writes--) {
        file >> item.after >> fields;
        writes.push_back({item.after, parse(fields), {}});
    }
    while (many_vectors--) {
        file >> item.after >> fields >> result;
        vectors.push_back({item.after, parse(fields), parse(result)});
    }
    return print_outcomes(play, 2 * pause_cycles + 200);
}
