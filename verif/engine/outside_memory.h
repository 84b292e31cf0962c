// The memory outside of an engine with a port for weights; of other ones nothing.
#ifndef OUTSIDE_MEMORY_H
#define OUTSIDE_MEMORY_H

#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

// What it has, and how it behaves: cycles from a request to its answer, at least; how many of 1,024 cycles nothing is
// requested, and nothing is answered, in; the row that is an error; of requests the first of those that are not answered
// until the last run of a job, or in its only one; a seed of what is drawn.
struct Outside {
    uint32_t rows, latency, stalls, wrong, silent, seed;
};

#if WEIGHT_PORT

class OutsideMemory {
  public:
    OutsideMemory(const Outside& how, std::vector<uint8_t> bytes) : how(how), bytes(std::move(bytes)), drawn(how.seed) {}

    // What the engine sees in a cycle.
    template <typename Engine>
    void drive(Engine* top, bool is_silent) {
        top->row_count = how.rows;
        top->request_ready = !stalls();
        const bool answers = !asked.empty() && asked.front().from <= cycle && !stalls();
        top->answer_valid = answers && !(is_silent && asked.front().number >= how.silent);
        top->answer_wrong = 0;
        if (!top->answer_valid) return;
        const Request& request = asked.front();
        top->answer_tag = request.tag;
        top->answer_wrong = request.row == how.wrong && beat == ROW_CYCLES / 2;
        std::memcpy(&top->answer_data, &bytes[(request.row * ROW_CYCLES + beat) * WEIGHT_PORT], WEIGHT_PORT);
    }

    // The end of the cycle. False: a row was requested that there is not.
    template <typename Engine>
    bool step(Engine* top) {
        if (top->answer_valid && ++beat == ROW_CYCLES) {
            beat = 0;
            asked.pop_front();
        }
        if (top->request_valid && top->request_ready) {
            if (top->request_row >= how.rows) return false;
            asked.push_back({top->request_row, top->request_tag, count++, cycle + how.latency});
        }
        ++cycle;
        return true;
    }

    template <typename Engine>
    void rest(Engine* top) {
        top->request_ready = top->answer_valid = 0;
    }

  private:
    struct Request {
        uint32_t row, tag, number;
        uint64_t from;
    };

    bool stalls() { return how.stalls && drawn() % 1024 < how.stalls; }

    const Outside how;
    const std::vector<uint8_t> bytes;
    std::mt19937 drawn;
    std::deque<Request> asked;
    uint32_t beat = 0, count = 0;
    uint64_t cycle = 0;
};

#else

class OutsideMemory {
  public:
    OutsideMemory(const Outside&, std::vector<uint8_t>) {}
    template <typename Engine>
    void drive(Engine*, bool) {}
    template <typename Engine>
    bool step(Engine*) { return true; }
    template <typename Engine>
    void rest(Engine*) {}
};

#endif

#endif
