// Runs one program on a core many times, each time with one flip-flop flipped in one cycle, and prints the outcomes.
// Argument: the program; pairs of flip-flop and cycle on standard input. The program: counts of registers that tell of
// faults, of steps and of beats of results; then a line each: addresses of these registers; the kind of a step, and three
// numbers of it, as `Kind` says; tlast, tkeep and tdata of a beat. Numbers are hexadecimal.
#include <fstream>
#include <set>
#include <vector>

#include "flips.h"

// Write of data to an address; read that must give a value under a mask, or is repeated until it does; read that must be
// refused; beat of a vector or of weights.
enum Kind { WRITE, READ, WAIT, REFUSED_READ, VECTOR, WEIGHTS };

struct Step {
    unsigned kind;
    uint64_t a, b, c;
};

struct Beat {
    uint64_t last, keep, data;
    bool operator==(const Beat& other) const { return last == other.last && keep == other.keep && data == other.data; }
};

static std::vector<Step> steps;
static std::vector<Beat> results;
static std::set<uint64_t> tells;
static const long IDLE_CYCLES = 64;

// What a step asks of the ports in this cycle.
static void drive(Vbench* top, const Step* step, bool address_taken, bool data_taken) {
    const unsigned kind = step ? step->kind : WEIGHTS + 1;
    const bool reads = kind == READ || kind == WAIT || kind == REFUSED_READ;
    top->s_axi_awvalid = kind == WRITE && !address_taken;
    top->s_axi_wvalid = kind == WRITE && !data_taken;
    top->s_axi_arvalid = reads && !address_taken;
    top->s_axi_bready = top->s_axi_rready = 1;
    top->s_axis_tvalid = kind == VECTOR;
    top->s_axis_w_tvalid = kind == WEIGHTS;
    if (!step) return;
    top->s_axi_awaddr = top->s_axi_araddr = step->a;
    top->s_axi_wdata = step->b;
    top->s_axi_wstrb = 15;
    top->s_axis_tlast = top->s_axis_w_tlast = step->a;
    top->s_axis_tkeep = top->s_axis_w_tkeep = step->b;
    top->s_axis_tdata = top->s_axis_w_tdata = step->c;
}

// Whether a step ends in this cycle; what it saw that is not as it should be.
static bool ends(Vbench* top, const Step& step, Run& run) {
    switch (step.kind) {
    case WRITE:
        run.detected |= top->s_axi_bvalid && top->s_axi_bresp;
        return top->s_axi_bvalid;
    case VECTOR:
        return top->s_axis_tready;
    case WEIGHTS:
        return top->s_axis_w_tready;
    }
    if (!top->s_axi_rvalid) return false;
    const bool refused = top->s_axi_rresp, matches = (top->s_axi_rdata & step.b) == step.c;
    if (refused != (step.kind == REFUSED_READ)) {
        run.detected = true;
    } else if (step.kind == READ && !matches) {
        (tells.count(step.a) ? run.detected : run.wrong) = true;
    }
    return step.kind != WAIT || matches;
}

// After a reset of four cycles.
static Run play(Vbench* top, long flip, long flip_cycle, long limit) {
    Run run;
    top->aclk = 0;
    top->aresetn = 0;
    for (auto& word : top->flip.m_storage) word = 0;
    drive(top, nullptr, false, false);
    for (int reset = 0; reset < 4; ++reset) {
        top->eval();
        top->aclk = 1;
        top->eval();
        top->aclk = 0;
    }
    top->aresetn = 1;
    std::size_t number = 0;
    bool address_taken = false, data_taken = false, waits = false;
    Beat before{};
    uint32_t noise = 1;
    for (long idle = 0; run.cycles < limit; ++run.cycles) {
        top->m_axis_tready = is_taken(noise);
        const Step* step = number < steps.size() ? &steps[number] : nullptr;
        drive(top, step, address_taken, data_taken);
        const bool flips = run.cycles == flip_cycle;
        if (flips) top->flip[flip / 32] = 1u << flip % 32;
        top->eval();
        const Beat beat{top->m_axis_tlast, top->m_axis_tkeep, top->m_axis_tdata};
        if (waits && !(top->m_axis_tvalid && beat == before)) run.detected = true;
#ifdef CHECKSUM
        run.detected |= top->m_axis_tvalid && top->m_axis_tuser;
#endif
        if (top->m_axis_tvalid && top->m_axis_tready) {
            if (run.taken >= static_cast<long>(results.size()))
                run.detected = true;
            else if (!(beat == results[run.taken]))
                run.wrong = true;
            ++run.taken;
        }
        waits = top->m_axis_tvalid && !top->m_axis_tready;
        before = beat;
        const bool ended = step && ends(top, *step, run);
        const bool is_write = step && step->kind == WRITE;
        address_taken |= is_write ? top->s_axi_awready : top->s_axi_arvalid && top->s_axi_arready;
        data_taken |= is_write && top->s_axi_wready;
        // A read that is repeated is a new one.
        if (ended || (step && step->kind == WAIT && top->s_axi_rvalid)) address_taken = data_taken = false;
        number += ended;
        top->aclk = 1;
        top->eval();
        top->aclk = 0;
        if (flips) top->flip[flip / 32] = 0;
        const bool done = number == steps.size() && run.taken >= static_cast<long>(results.size());
        if (done && !idle) {
            run.complete = true;
            if (clean_cycles == 0) clean_cycles = run.cycles + 1;
        }
        if (done && ++idle > IDLE_CYCLES) break;
    }
    return run;
}

int main(int count, char** arguments) {
    if (count != 2) return 2;
    std::ifstream file(arguments[1]);
    std::size_t many_tells, many_steps, many_results;
    file >> std::hex >> many_tells >> many_steps >> many_results;
    uint64_t address;
    while (many_tells-- && file >> address) tells.insert(address);
    Step step;
    while (many_steps-- && file >> step.kind >> step.a >> step.b >> step.c) steps.push_back(step);
    Beat beat;
    while (many_results-- && file >> beat.last >> beat.keep >> beat.data) results.push_back(beat);
    return print_outcomes(play, 4000);
}
