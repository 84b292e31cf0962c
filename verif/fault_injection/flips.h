// What programs that flip flip-flops share: a run is played without a flip, then once for each pair on standard input.
#include <cstdint>
#include <cstdio>
#include <memory>

#include "Vbench.h"
#include "verilated.h"

struct Run {
    long cycles = 0, taken = 0;
    bool complete = false, wrong = false, detected = false;
};

// Plays the program after a reset, for at most ``limit`` cycles, with a flip-flop flipped in a cycle, or none in -1.
using Play = Run (*)(Vbench* top, long flip, long flip_cycle, long limit);

static long clean_cycles = 0;

// The output pauses by a fixed rule, so that runs differ by the flip alone.
static bool is_taken(uint32_t& noise) {
    noise = noise * 1664525 + 1013904223;
    return (noise >> 24) % 8 != 0;
}

// Prints the cycles of the run without a flip, then a line for each pair of flip-flop and cycle: m (masked), d (detected),
// w (wrong result), h (hang that a reset ends), s (one that it does not). The status of the program.
static int print_outcomes(Play play, long patience) {
    auto fresh = [] { return std::make_unique<Vbench>(); };
    const Run clean = play(fresh().get(), 0, -1, 10000000);
    if (!clean.complete || clean.wrong || clean.detected) return 1;
    const long limit = 3 * clean_cycles + patience;
    std::printf("%ld\n", clean_cycles);
    long flip, cycle;
    while (std::scanf("%ld %ld", &flip, &cycle) == 2) {
        auto top = fresh();
        const Run run = play(top.get(), flip, cycle, limit);
        char outcome = run.detected ? 'd' : run.wrong ? 'w' : 'm';
        if (!run.complete) {
            const Run again = play(top.get(), 0, -1, limit);
            outcome = again.complete && !again.wrong && !again.detected ? 'h' : 's';
        }
        std::printf("%c\n", outcome);
    }
    return 0;
}
