// Plays records on the streams of a design: a simulator's callback before each edge of the clock, none in Python.
// stream_player.py loads this into the process of a simulation, and drives it; records.py describes the records.
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

struct Field {
    vpiHandle port;
    std::size_t words;
};

struct Stream {
    vpiHandle valid, ready;
    bool is_input;
    int gate;  // whose transfers the header of an input's record counts
    std::vector<Field> fields;
    std::size_t words = HEADER;
    // The next record, and of an input the one that the ports show.
    uint32_t *record = nullptr, *shown = nullptr;
    uint64_t count = 0, moved = 0;
    bool offers = false;
};

class Player {
public:
    explicit Player(const char* clock) : clock_(find(clock)) {
        s_vpi_vlog_info info;
        frees_ = vpi_get_vlog_info(&info) && info.product && std::strstr(info.product, "Verilator");
    }

    bool has_clock() const { return clock_ != nullptr; }

    int add_stream(const char* valid, const char* ready, bool is_input, int gate) {
        streams_.push_back({find(valid), find(ready), is_input, gate, {}});
        const Stream& added = streams_.back();
        return added.valid && added.ready ? static_cast<int>(streams_.size()) - 1 : -1;
    }

    bool add_field(int stream, const char* port, std::size_t words) {
        Stream& to = streams_[stream];
        to.fields.push_back({find(port), words});
        to.words += words;
        if (vector_.size() < words) vector_.resize(words, s_vpi_vecval{0, 0});
        return to.fields.back().port != nullptr;
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
    static vpiHandle find(const char* name) {
        std::string copy(name);
        return vpi_handle_by_name(copy.data(), nullptr);
    }

    static Player* self(p_cb_data data) { return reinterpret_cast<Player*>(data->user_data); }

    void after(uint64_t steps, PLI_INT32 (*call)(p_cb_data)) {
        s_vpi_time time{vpiSimTime, static_cast<PLI_UINT32>(steps >> 32), static_cast<PLI_UINT32>(steps), 0};
        s_cb_data data{cbAfterDelay, call, nullptr, &time, nullptr, 0, reinterpret_cast<PLI_BYTE8*>(this)};
        const vpiHandle handle = vpi_register_cb(&data);
        // The callback stays. Verilator leaves the handle to the caller, Icarus takes it back itself.
        if (frees_) vpi_free_object(handle);
    }

    void put_bit(vpiHandle port, bool bit) {
        s_vpi_value value;
        value.format = vpiScalarVal;
        value.value.scalar = bit ? vpi1 : vpi0;
        vpi_put_value(port, &value, nullptr, vpiNoDelay);
    }

    void put(const Field& field, const uint32_t* words) {
        for (std::size_t word = 0; word < field.words; ++word) vector_[word].aval = words[word];
        s_vpi_value value;
        value.format = vpiVectorVal;
        value.value.vector = vector_.data();
        vpi_put_value(field.port, &value, nullptr, vpiNoDelay);
    }

    bool get_bit(vpiHandle port) {
        s_vpi_value value;
        value.format = vpiScalarVal;
        vpi_get_value(port, &value);
        if (value.value.scalar != vpi0 && value.value.scalar != vpi1) state_ = UNKNOWN;
        return value.value.scalar == vpi1;
    }

    void get(const Field& field, uint32_t* words) {
        s_vpi_value value;
        value.format = vpiVectorVal;
        vpi_get_value(field.port, &value);
        for (std::size_t word = 0; word < field.words; ++word) {
            words[word] = value.value.vector[word].aval;
            if (value.value.vector[word].bval) state_ = UNKNOWN;
        }
    }

    void offer(Stream& stream) {
        const bool offers = stream.moved < stream.count && streams_[stream.gate].moved >= joined(stream.record);
        if (offers != stream.offers) put_bit(stream.valid, offers);
        stream.offers = offers;
        if (!offers || stream.shown == stream.record) return;
        std::size_t word = HEADER;
        for (const Field& field : stream.fields) {
            const uint32_t* words = stream.record + word;
            if (!stream.shown || !std::equal(words, words + field.words, stream.shown + word)) put(field, words);
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
            for (const Field& field : stream.fields) {
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

    vpiHandle clock_;
    bool frees_;
    std::vector<Stream> streams_;
    std::vector<s_vpi_vecval> vector_;
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

int player_add_field(Player* player, int stream, const char* port, uint64_t words) {
    return player->add_field(stream, port, words);
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
