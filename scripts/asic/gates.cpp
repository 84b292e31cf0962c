// Simulates a netlist of cells with delays, event by event, and counts how often each net toggles and why.
//
// Time is in femtoseconds. Delays are inertial: a pulse shorter than a cell's delay does not come out of it. Values are
// 0 and 1; what has no value at the start gets one from the seed, or 0 if the seed is 0. The clock is ideal: it, and what clock gates make of
// it, changes everywhere at once.
//
// Input, words with spaces between:
//   nets N  seed S  period T  input_delay T  clock NET  reset NET (or -1)
//   gates N      each: output inputs... : "G" out count in... words table... (rise fall) of each input
//                flip-flop: "F" clock inverted q qn count in... words table... q_rise q_fall qn_rise qn_fall
//                latch: "L" enable inverted q qn count in... words table... enable_rise enable_fall data_rise data_fall
//                clock gate: "C" clock out count enables...
//                array of bitcells: "A" clock, then counts and nets of wordlines, write bank, bits to write, bank, and
//                outputs, row 0 first, then for each output clock_rise clock_fall, and with a bank bank_rise bank_fall
//   streams N    each: valid ready after items bits net... and the items in hexadecimal
//   results valid ready count bits net...
//   window STREAM    counting begins when its first item is offered
//   limit CYCLES
// Output: "cycles N counted N events N", each result in hexadecimal, then the counts.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <queue>
#include <random>
#include <string>
#include <vector>

using Time = int64_t;

struct Event {
    Time time;
    uint64_t number;
    int slot;
    bool value;
    bool operator<(const Event &other) const {
        return time != other.time ? time > other.time : number > other.number;
    }
};

// What drives a net: the change that is on its way, and counts by cause.
struct Slot {
    int net;
    uint64_t pending = 0;
    bool next = false;
    int cause = 0;
    std::vector<uint64_t> counts;  // of cause c: 2 * c falling, 2 * c + 1 rising
};

// The bitcells of a column: at the clock a row is written to a bank, and all rows of one bank are at the outputs.
struct Array {
    std::vector<int> wordlines, write_bank, data, bank, outputs;
    std::vector<std::vector<char>> cells;  // by bank
    int first_slot;
    std::vector<Time> delays;
};

struct Gate {
    char kind;
    int clock = -1, slot = -1, complement = -1;
    bool inverted = false, state = false;
    unsigned index = 0;
    std::vector<uint64_t> table;
    std::vector<Time> delays;
    Array array;
    bool value() const { return table[index >> 6] >> (index & 63) & 1; }
};

struct Sink {
    int gate, position;  // position -1: clock or enable
};

struct Stream {
    int valid, ready, after;
    std::vector<int> nets;
    std::vector<std::string> items;
    size_t next = 0;
    bool offered = false;
};

// What comes out, with or without a handshake.
struct Output {
    int valid, ready;
    size_t wanted;
    std::vector<int> nets;
};

static const int RESET_CYCLES = 3;
static std::vector<Stream> streams;
static std::vector<std::string> results;
static std::vector<char> values;
static std::vector<uint64_t> toggles;
static std::vector<std::vector<Sink>> sinks;
static std::vector<Gate> gates;
static std::vector<Slot> slots;
static std::priority_queue<Event> events;
static uint64_t numbers = 0, processed = 0;
static bool counting = false;
static Time now = 0;

static void change(int net, bool value);

static void schedule(int number, bool value, Time delay, int cause) {
    Slot &slot = slots[number];
    if (slot.pending) {
        if (slot.next == value) return;
        slot.pending = 0;
        if (bool(values[slot.net]) == value) return;
    } else if (bool(values[slot.net]) == value) {
        return;
    }
    slot.pending = ++numbers;
    slot.next = value;
    slot.cause = cause;
    events.push({now + (delay < 1 ? 1 : delay), slot.pending, number, value});
}

static void store(Gate &gate, bool value, int cause, const Time *delays) {
    gate.state = value;
    if (gate.slot >= 0) schedule(gate.slot, value, delays[value ? 0 : 1], cause);
    if (gate.complement >= 0) schedule(gate.complement, !value, delays[value ? 1 : 0], cause);
}

static size_t number_on(const std::vector<int> &nets) {
    size_t number = 0;
    for (size_t place = 0; place < nets.size(); place++) number |= size_t(values[nets[place]]) << place;
    return number;
}

static void touch_array(Array &array, bool is_clock, bool level) {
    if (is_clock) {
        bool is_written = false;
        std::vector<char> &written = array.cells[number_on(array.write_bank)];
        for (size_t row = 0; level && row < array.wordlines.size(); row++)
            for (size_t bit = 0; values[array.wordlines[row]] && bit < array.data.size(); bit++)
                written[row * array.data.size() + bit] = values[array.data[bit]], is_written = true;
        if (!is_written) return;
    }
    const std::vector<char> &read = array.cells[number_on(array.bank)];
    size_t causes = array.bank.empty() ? 1 : 2, cause = !is_clock;
    for (size_t place = 0; place < read.size(); place++)
        schedule(array.first_slot + int(place), read[place],
                 array.delays[2 * (place * causes + cause) + !read[place]], int(cause));
}

static void touch(const Sink &sink) {
    Gate &gate = gates[sink.gate];
    if (sink.position >= 0 && gate.kind != 'A') gate.index ^= 1u << sink.position;
    bool is_clock = sink.position < 0, level = gate.clock >= 0 && (bool(values[gate.clock]) != gate.inverted);
    switch (gate.kind) {
    case 'G':
        schedule(gate.slot, gate.value(), gate.delays[2 * sink.position + !gate.value()], sink.position);
        break;
    case 'F':
        if (is_clock && level) {
            gate.state = gate.value();
            if (gate.slot >= 0) schedule(gate.slot, gate.state, gate.delays[gate.state ? 0 : 1], 0);
            if (gate.complement >= 0) schedule(gate.complement, !gate.state, gate.delays[gate.state ? 3 : 2], 0);
        }
        break;
    case 'L':
        if (level) store(gate, gate.value(), is_clock ? 0 : 1, &gate.delays[is_clock ? 0 : 2]);
        break;
    case 'A':
        touch_array(gate.array, is_clock, level);
        break;
    case 'C':
        // The latch is open while the clock is low.
        if (!values[gate.clock]) gate.state = gate.index != 0;
        if (is_clock) {
            Slot &slot = slots[gate.slot];
            bool value = level && gate.state;
            if (bool(values[slot.net]) != value) {
                if (counting) slot.counts[value]++;
                change(slot.net, value);
            }
        }
        break;
    }
}

static void change(int net, bool value) {
    values[net] = value;
    if (counting) toggles[net]++;
    for (const Sink &sink : sinks[net]) touch(sink);
}

static void run_until(Time end) {
    while (!events.empty() && events.top().time < end) {
        Event event = events.top();
        events.pop();
        Slot &slot = slots[event.slot];
        if (slot.pending != event.number) continue;
        slot.pending = 0;
        now = event.time;
        processed++;
        if (counting) slot.counts[2 * slot.cause + event.value]++;
        change(slot.net, event.value);
    }
    now = end;
}

template <typename T> static T take() {
    T value;
    if (!(std::cin >> value)) {
        std::cerr << "input ends early\n";
        std::exit(1);
    }
    return value;
}

static std::vector<int> take_nets() {
    std::vector<int> nets(take<int>());
    for (int &net : nets) net = take<int>();
    return nets;
}

static int new_slot(int net, size_t causes) {
    if (net < 0) return -1;
    slots.emplace_back();
    slots.back().net = net;
    slots.back().counts.resize(2 * causes);
    return int(slots.size()) - 1;
}

static void take_array(int number) {
    Gate &gate = gates[number];
    Array &array = gate.array;
    gate.clock = take<int>();
    for (std::vector<int> *nets : {&array.wordlines, &array.write_bank, &array.data, &array.bank, &array.outputs})
        *nets = take_nets();
    size_t causes = array.bank.empty() ? 1 : 2;
    array.cells.resize(size_t(1) << array.bank.size(), std::vector<char>(array.outputs.size()));
    array.first_slot = int(slots.size());
    for (size_t place = 0; place < array.outputs.size(); place++) {
        new_slot(array.outputs[place], causes);
        for (std::vector<char> &cells : array.cells) cells[place] = values[array.outputs[place]];
    }
    array.delays.resize(2 * causes * array.outputs.size());
    for (Time &delay : array.delays) delay = take<Time>();
    sinks[gate.clock].push_back({number, -1});
    for (int net : array.bank) sinks[net].push_back({number, 0});
}

static void take_gate(int number) {
    Gate &gate = gates[number];
    gate.kind = take<char>();
    if (gate.kind == 'A') return take_array(number);
    int out = -1, complement = -1;
    if (gate.kind == 'F' || gate.kind == 'L') {
        gate.clock = take<int>();
        gate.inverted = take<int>();
        out = take<int>();
        complement = take<int>();
    } else {
        if (gate.kind == 'C') gate.clock = take<int>();
        out = take<int>();
    }
    std::vector<int> inputs = take_nets();
    if (gate.kind != 'C') {
        gate.table.resize(take<int>());
        for (uint64_t &word : gate.table) word = std::stoull(take<std::string>(), nullptr, 16);
        gate.delays.resize(gate.kind == 'G' ? 2 * inputs.size() : 4);
        for (Time &delay : gate.delays) delay = take<Time>();
    }
    gate.slot = new_slot(out, gate.kind == 'G' ? inputs.size() : gate.kind == 'C' ? 1 : 2);
    gate.complement = new_slot(complement, 2);
    if (gate.clock >= 0) sinks[gate.clock].push_back({number, -1});
    for (size_t position = 0; position < inputs.size(); position++)
        sinks[inputs[position]].push_back({number, int(position)});
}

static bool bit(const std::string &digits, size_t place) {
    size_t digit = place / 4;
    if (digit >= digits.size()) return false;
    char c = digits[digits.size() - 1 - digit];
    return (c <= '9' ? c - '0' : c - 'a' + 10) >> (place & 3) & 1;
}

static void drive(int net, bool value) {
    if (net > 1 && bool(values[net]) != value) change(net, value);
}

static bool is_open(const Stream &stream) {
    return stream.after < 0 || streams[stream.after].next == streams[stream.after].items.size();
}

static void take_streams() {
    streams.resize(take<int>());
    for (Stream &stream : streams) {
        stream.valid = take<int>(), stream.ready = take<int>(), stream.after = take<int>();
        stream.items.resize(take<int>());
        stream.nets = take_nets();
        for (std::string &item : stream.items) item = take<std::string>();
        if (stream.valid >= 0) values[stream.valid] = 0;
        for (int net : stream.nets)
            if (net > 1) values[net] = 0;
    }
}

// What gates see of the values at the start, and what they make of them.
static void settle() {
    for (size_t net = 0; net < values.size(); net++)
        for (const Sink &sink : sinks[net])
            if (sink.position >= 0 && values[net] && gates[sink.gate].kind != 'A')
                gates[sink.gate].index |= 1u << sink.position;
    for (Gate &gate : gates) {
        if (gate.kind == 'G') schedule(gate.slot, gate.value(), 1, 0);
        if (gate.kind == 'C' && values[slots[gate.slot].net]) change(slots[gate.slot].net, false);
        if ((gate.kind == 'F' || gate.kind == 'L') && gate.slot >= 0 && gate.complement >= 0)
            schedule(gate.complement, !values[slots[gate.slot].net], 1, 0);
        if (gate.kind == 'L' && bool(values[gate.clock]) != gate.inverted) store(gate, gate.value(), 0, &gate.delays[0]);
    }
}

// What is there just before an edge is what it transfers.
static void sample(const Output &output, bool is_counted) {
    for (Stream &stream : streams)
        if (stream.offered && (stream.ready < 0 || values[stream.ready])) stream.next++, stream.offered = false;
    if (output.valid < 0 ? !is_counted : !values[output.valid]) return;
    std::string digits((output.nets.size() + 3) / 4, '0');
    for (size_t digit = 0; digit < digits.size(); digit++) {
        int number = 0;
        for (size_t place = 4 * digit; place < 4 * digit + 4 && place < output.nets.size(); place++)
            number |= values[output.nets[place]] << (place & 3);
        digits[digits.size() - 1 - digit] = "0123456789abcdef"[number];
    }
    results.push_back(digits);
}

static void offer() {
    for (Stream &stream : streams) {
        bool offers = is_open(stream) && stream.next < stream.items.size();
        if (stream.valid >= 0) drive(stream.valid, offers);
        if (offers && !stream.offered)
            for (size_t place = 0; place < stream.nets.size(); place++)
                drive(stream.nets[place], bit(stream.items[stream.next], place));
        stream.offered = offers;
    }
}

int main() {
    values.resize(take<int>());
    toggles.resize(values.size());
    sinks.resize(values.size());
    uint64_t seed = take<uint64_t>();
    std::mt19937_64 random(seed);
    Time period = take<Time>(), input_delay = take<Time>();
    int clock = take<int>(), reset = take<int>();
    for (char &value : values) value = seed && random() & 1;
    values[0] = 0, values[1] = 1;
    values[clock] = 0;
    if (reset >= 0) values[reset] = 1;
    gates.resize(take<int>());
    for (size_t number = 0; number < gates.size(); number++) take_gate(int(number));
    take_streams();
    Output output;
    output.valid = take<int>(), output.ready = take<int>(), output.wanted = take<size_t>();
    output.nets = take_nets();
    const Stream &window = streams[take<int>()];
    int64_t limit = take<int64_t>(), cycle = 0, counted = 0, first = -1;
    settle();

    for (; cycle < limit && results.size() < output.wanted; cycle++) {
        Time edge = (cycle + 1) * period;
        run_until(edge);
        if (cycle >= RESET_CYCLES) sample(output, first >= 0 && cycle > first);
        counted += counting;
        if (results.size() == output.wanted) break;
        change(clock, true);
        run_until(edge + input_delay);
        if (reset >= 0 && cycle == RESET_CYCLES - 1) drive(reset, false);
        drive(output.ready, true);
        if (cycle >= RESET_CYCLES) {
            if (first < 0 && is_open(window)) first = cycle, counting = true;
            offer();
        }
        run_until(edge + period / 2);
        change(clock, false);
    }
    std::printf("cycles %lld counted %lld events %llu results %zu\n", (long long)cycle, (long long)counted,
                (unsigned long long)processed, results.size());
    for (const std::string &result : results) std::printf("%s\n", result.c_str());
    for (uint64_t count : toggles) std::printf("%llu\n", (unsigned long long)count);
    for (const Slot &slot : slots) {
        for (uint64_t count : slot.counts) std::printf("%llu ", (unsigned long long)count);
        std::printf("\n");
    }
}
