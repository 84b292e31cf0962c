// Drives a macro from plain C++ with a new random vector whenever it takes one: the bound for any testbench.
// Arguments: rows, cycles, bits. Prints seconds, seconds of processor time, and the number of results.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "Vtop.h"
#include "verilated.h"

static uint32_t state = 1;

static uint32_t draw() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

template <typename Port>
static void randomize(Port& port) {
    port = static_cast<Port>(draw());
}

template <std::size_t Words>
static void randomize(VlWide<Words>& port) {
    for (std::size_t word = 0; word < Words; ++word) port[word] = draw();
}

static void tick(Vtop* top) {
    top->clk = 0;
    top->eval();
    top->clk = 1;
    top->eval();
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const long rows = std::atol(argv[1]), cycles = std::atol(argv[2]);
    auto* top = new Vtop;
    top->i_bits = std::atoi(argv[3]);
    top->o_ready = 1;
    top->rst = 1;
    tick(top);
    top->rst = 0;
    top->write_valid = 1;
    for (long row = 0; row < rows; ++row) {
        top->write_row = row;
        randomize(top->write_weights);
        tick(top);
    }
    top->write_valid = 0;
    top->i_valid = 1;
    long results = 0;
    const auto started = std::chrono::steady_clock::now();
    const std::clock_t processor = std::clock();
    for (long cycle = 0; cycle < cycles; ++cycle) {
        top->clk = 0;
        top->eval();
        const bool taken = top->i_ready;
        results += top->o_valid;
        top->clk = 1;
        top->eval();
        if (taken) randomize(top->i_x);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    std::printf("%g %g %ld\n", seconds.count(), static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC, results);
    top->final();
    delete top;
    return 0;
}
