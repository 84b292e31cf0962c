// Plays records on the streams of a design: a simulator's callback before each edge of the clock, none in Python.
// stream_player.py loads this into the process of a simulation, and drives it; records.py describes the records.
#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "vpi_user.h"

namespace {

// Words before the fields of a record: 64 bits, the lower half first.
constexpr std::size_t HEADER = 2;

// As stream_player.py has them.
enum State : int { STOPPED, RUNNING, STUCK, SURPLUS, UNKNOWN };

uint64_t joined(const uint32_t* words) { return words[0] | static_cast<uint64_t>(words[1]) << 32; }

struct Port {
    vpiHandle handle;
    std::size_t words, bytes;
    // Its value in the memory of a verilated design with port_address.cpp: several times as fast as VPI.
    uint8_t* memory;

    void put(const uint32_t* from) const {
        if (memory) {
            std::memcpy(memory, from, bytes);
            return;
        }
        static std::vector<s_vpi_vecval> vector;
        vector.resize(std::max(vector.size(), words), s_vpi_vecval{0, 0});
        for (std::size_t word = 0; word < words; ++word) vector[word].aval = from[word];
        s_vpi_value value;
        value.format = vpiVectorVal;
        value.value.vector = vector.data();
        vpi_put_value(handle, &value, nullptr, vpiNoDelay);
    }

    // Whether all its bits are known.
    bool get(uint32_t* to) const {
        to[words - 1] = 0;
        if (memory) {
            std::memcpy(to, memory, bytes);
            return true;
        }
        s_vpi_value value;
        value.format = vpiVectorVal;
        vpi_get_value(handle, &value);
        bool known = true;
        for (std::size_t word = 0; word < words; ++word) {
            to[word] = value.value.vector[word].aval;
            known &= value.value.vector[word].bval == 0;
        }
        return known;
    }
};

// Bytes in which Verilator keeps so many bits.
std::size_t bytes_of(std::size_t width) {
    if (width <= 32) return width <= 8 ? 1 : width <= 16 ? 2 : 4;
    return 4 * ((width + 31) / 32);
}

Port find(const char* path, std::size_t width) {
    std::string name(path);
    Port port{vpi_handle_by_name(name.data(), nullptr), (width + 31) / 32, bytes_of(width), nullptr};
    const std::size_t dot = name.rfind('.');
    auto* address = reinterpret_cast<void* (*)(const char*)>(dlsym(RTLD_DEFAULT, "bitline_port_address"));
    // Of the top module, whose path has one dot.
    if (address && port.handle && dot != std::string::npos && name.find('.') == dot)
        port.memory = static_cast<uint8_t*>(address(name.c_str() + dot + 1));
    return port;
}

struct Stream {
    Port valid, ready;
    bool is_input;
    int gate;  // whose transfers the header of an input's record counts
    std::vector<Port> fields;
    std::size_t words = HEADER;
    // The next record, and of an input the one that the ports show.
    uint32_t *record = nullptr, *shown = nullptr;
    uint64_t count = 0, moved = 0;
    bool offers = false;
};

class Player {
public:
    explicit Player(const char* clock) : clock_(find(clock, 1)) {
        s_vpi_vlog_info info;
        frees_ = vpi_get_vlog_info(&info) && info.product && std::strstr(info.product, "Verilator");
    }

    bool has_clock() const { return clock_.handle != nullptr; }

    int add_stream(const char* valid, const char* ready, bool is_input, int gate) {
        streams_.push_back({find(valid, 1), find(ready, 1), is_input, gate, {}});
        const Stream& added = streams_.back();
        return added.valid.handle && added.ready.handle ? static_cast<int>(streams_.size()) - 1 : -1;
    }

    bool add_field(int stream, const char* path, std::size_t width) {
        Stream& to = streams_[stream];
        to.fields.push_back(find(path, width));
        to.words += to.fields.back().words;
        return to.fields.back().handle != nullptr;
    }

    void load(int stream, uint32_t* records, uint64_t count) {
        Stream& to = streams_[stream];
        to.record = records;
        to.shown = nullptr;
        to.count = count;
        to.moved = 0;
        to.offers = false;
    }

    // Called after a rising edge.
    void start(uint64_t high, uint64_t low, uint64_t patience) {
        high_ = high;
        low_ = low;
        patience_ = patience;
        cycle_ = cycles_ = quiet_ = 0;
        state_ = RUNNING;
        for (Stream& stream : streams_) put_bit(stream.is_input ? stream.valid : stream.ready, !stream.is_input);
        after(high_, [](p_cb_data data) { return self(data)->fall(); });
    }

    int state() const { return state_; }
    uint64_t cycles() const { return cycles_; }
    uint64_t moved(int stream) const { return streams_[stream].moved; }

private:
    static Player* self(p_cb_data data) { return reinterpret_cast<Player*>(data->user_data); }

    void after(uint64_t steps, PLI_INT32 (*call)(p_cb_data)) {
        s_vpi_time time{vpiSimTime, static_cast<PLI_UINT32>(steps >> 32), static_cast<PLI_UINT32>(steps), 0};
        s_cb_data data{cbAfterDelay, call, nullptr, &time, nullptr, 0, reinterpret_cast<PLI_BYTE8*>(this)};
        const vpiHandle handle = vpi_register_cb(&data);
        // The callback stays. Verilator leaves the handle to the caller, Icarus takes it back itself.
        if (frees_) vpi_free_object(handle);
    }

    static void put_bit(const Port& port, bool bit) {
        const uint32_t word = bit;
        port.put(&word);
    }

    void get(const Port& port, uint32_t* words) {
        if (!port.get(words)) state_ = UNKNOWN;
    }

    bool get_bit(const Port& port) {
        uint32_t word;
        get(port, &word);
        return word & 1;
    }

    void offer(Stream& stream) {
        const bool offers = stream.moved < stream.count && streams_[stream.gate].moved >= joined(stream.record);
        if (offers != stream.offers) put_bit(stream.valid, offers);
        stream.offers = offers;
        if (!offers || stream.shown == stream.record) return;
        std::size_t word = HEADER;
        for (const Port& field : stream.fields) {
            const uint32_t* words = stream.record + word;
            if (!stream.shown || !std::equal(words, words + field.words, stream.shown + word)) field.put(words);
            word += field.words;
        }
        stream.shown = stream.record;
    }

    // Whether a transfer takes place at the edge that follows.
    bool transfer(Stream& stream) {
        if (stream.is_input) {
            if (!stream.offers || !get_bit(stream.ready)) return false;
        } else {
            if (!get_bit(stream.valid)) return false;
            if (stream.moved == stream.count) {
                state_ = SURPLUS;
                return false;
            }
            stream.record[0] = static_cast<uint32_t>(cycle_);
            stream.record[1] = static_cast<uint32_t>(cycle_ >> 32);
            uint32_t* words = stream.record + HEADER;
            for (const Port& field : stream.fields) {
                get(field, words);
                words += field.words;
            }
        }
        stream.record += stream.words;
        ++stream.moved;
        return true;
    }

    // Inputs change with the falling edge, which no flip-flop sees, so that a cycle has two evaluations.
    PLI_INT32 fall() {
        put_bit(clock_, false);
        for (Stream& stream : streams_)
            if (stream.is_input) offer(stream);
        after(low_, [](p_cb_data data) { return self(data)->rise(); });
        return 0;
    }

    PLI_INT32 rise() {
        bool moves = false, ends = true;
        for (Stream& stream : streams_) {
            moves |= transfer(stream);
            ends &= stream.moved == stream.count;
        }
        put_bit(clock_, true);
        ++cycle_;
        quiet_ = moves ? 0 : quiet_ + 1;
        if (moves) cycles_ = cycle_;
        if (state_ == RUNNING && ends) state_ = STOPPED;
        if (state_ == RUNNING && quiet_ >= patience_) state_ = STUCK;
        if (state_ == RUNNING) after(high_, [](p_cb_data data) { return self(data)->fall(); });
        return 0;
    }

    Port clock_;
    bool frees_;
    std::vector<Stream> streams_;
    uint64_t high_ = 0, low_ = 0, patience_ = 0, cycle_ = 0, cycles_ = 0, quiet_ = 0;
    State state_ = STOPPED;
};

}  // namespace

extern "C" {

void* player_new(const char* clock) {
    auto* player = new Player(clock);
    if (player->has_clock()) return player;
    delete player;
    return nullptr;
}

void player_delete(Player* player) { delete player; }

int player_add_stream(Player* player, const char* valid, const char* ready, int is_input, int gate) {
    return player->add_stream(valid, ready, is_input, gate);
}

int player_add_field(Player* player, int stream, const char* path, uint64_t width) {
    return player->add_field(stream, path, width);
}

void player_load(Player* player, int stream, uint32_t* records, uint64_t count) {
    player->load(stream, records, count);
}

void player_start(Player* player, uint64_t high, uint64_t low, uint64_t patience) {
    player->start(high, low, patience);
}

int player_state(const Player* player) { return player->state(); }
uint64_t player_cycles(const Player* player) { return player->cycles(); }
uint64_t player_moved(const Player* player, int stream) { return player->moved(stream); }
}
