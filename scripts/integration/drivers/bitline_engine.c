/* Driver of a Bitline engine, in C99 without a library. SPDX-License-Identifier: Apache-2.0 */

#include "bitline_engine.h"

#include "bitline_engine_codes.h"
#include "bitline_engine_registers.h"

#ifndef BITLINE_ENGINE_READ
#define BITLINE_ENGINE_READ(address) (*(volatile uint32_t *)(address))
#define BITLINE_ENGINE_WRITE(address, value) (*(volatile uint32_t *)(address) = (value))
#endif

/* The register header has one structure, whose members are at the offsets of the registers. */
#define READ(engine, name) BITLINE_ENGINE_READ((engine)->base + offsetof(bitline_engine_t, name))
#define WRITE(engine, name, value) BITLINE_ENGINE_WRITE((engine)->base + offsetof(bitline_engine_t, name), (value))

#define GET(word, field) (((word) & (BITLINE_ENGINE__##field##_bm)) >> (BITLINE_ENGINE__##field##_bp))
#define PUT(value, field) (((uint32_t)(value) << (BITLINE_ENGINE__##field##_bp)) & (BITLINE_ENGINE__##field##_bm))

static const uint32_t POLLS = 10000000u;

/* The image: bytes of its header, an entry of the table, and the CRC-32 behind both; what the header says. */
enum { HEADER = 24, ENTRY = 12, SECTIONS = 6, HEAD = HEADER + SECTIONS * ENTRY, VERSION = 2 };
enum { AT_VERSION = 4, AT_SECTIONS = 6, AT_CONFIGURATION = 8, AT_SIZE = 12 };
enum { PROGRAM, LOADS, TILES, PARAMETERS, PORTS, STATES };
/* Section of the register `target` behind those of the image. */
enum { ACTIVATIONS = 4 };
/* Bytes of a descriptor, a load, a lane's parameters and a port. */
enum { DESCRIPTOR = 96, LOAD = 4, PARAMETER = 12, PORT = 24 };
/* Operation of a descriptor, its first byte, that ends a run. */
enum { END = 0 };
enum { INPUT, OUTPUT, STATE, KINDS };

static uint32_t half_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t word_at(const uint8_t *bytes)
{
    return half_at(bytes) | half_at(bytes + 2) << 16;
}

/* CRC-32 of zlib, four bits at a time. */
static uint32_t crc_of(const uint8_t *bytes, size_t count)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
    uint32_t crc = 0xffffffffu;
    size_t at;

    for (at = 0; at < count; at++) {
        crc ^= bytes[at];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

int bitline_engine_init(struct bitline_engine *engine, uintptr_t base)
{
    uint32_t shape, memory;

    engine->base = base;
    engine->polls = POLLS;
    engine->ports = engine->states = engine->weights = NULL;
    engine->port_count = engine->input_bytes = engine->output_bytes = engine->state_bytes = 0;
    if (READ(engine, identity) != BITLINE_ENGINE__IDENTITY__IDENTITY_reset)
        return BITLINE_ENGINE_NOT_FOUND;
    shape = READ(engine, shape);
    memory = READ(engine, activation_memory);
    engine->configuration = READ(engine, configuration);
    engine->rows = GET(shape, SHAPE__ROWS);
    engine->columns = GET(shape, SHAPE__COLUMNS);
    engine->activation_bytes = GET(memory, ACTIVATION_MEMORY__ACTIVATION_BYTES);
    engine->lanes = GET(memory, ACTIVATION_MEMORY__LANES);
    engine->tile_rows = GET(READ(engine, tile_memory), TILE_MEMORY__TILE_ROWS);
    engine->parameter_slots = GET(READ(engine, parameter_memory), PARAMETER_MEMORY__PARAMETER_SLOTS);
    engine->program_length = GET(READ(engine, descriptor_memory), DESCRIPTOR_MEMORY__PROGRAM_LENGTH);
    engine->load_entries = GET(READ(engine, load_memory), LOAD_MEMORY__LOAD_ENTRIES);
    engine->weight_port = GET(READ(engine, weight_port), WEIGHT_PORT__BYTES);
    return BITLINE_ENGINE_OK;
}

static int is_busy(struct bitline_engine *engine)
{
    return GET(READ(engine, status), STATUS__BUSY) != 0;
}

/* Begins words of a section. */
static void set_target(struct bitline_engine *engine, unsigned section, uint32_t item)
{
    WRITE(engine, target, PUT(section, TARGET__SECTION) | PUT(item, TARGET__ITEM));
}

static void write_words(struct bitline_engine *engine, const uint8_t *bytes, uint32_t count)
{
    uint32_t at;

    for (at = 0; at < count; at += 4)
        WRITE(engine, write_data, word_at(bytes + at));
}

/* One byte: the word with it is read and written. */
static void write_byte(struct bitline_engine *engine, uint32_t address, uint8_t value)
{
    uint32_t word, shift = 8 * (address & 3);

    WRITE(engine, read_address, address & ~UINT32_C(3));
    word = READ(engine, read_data);
    set_target(engine, ACTIVATIONS, address & ~UINT32_C(3));
    WRITE(engine, write_data, (word & ~(UINT32_C(255) << shift)) | (uint32_t)value << shift);
}

static void write_bytes(struct bitline_engine *engine, uint32_t address, const uint8_t *data, uint32_t count)
{
    uint32_t whole;

    for (; count && address & 3; count--)
        write_byte(engine, address++, *data++);
    whole = count & ~UINT32_C(3);
    if (whole) {
        set_target(engine, ACTIVATIONS, address);
        write_words(engine, data, whole);
    }
    for (; whole < count; whole++)
        write_byte(engine, address + whole, data[whole]);
}

static void read_bytes(struct bitline_engine *engine, uint32_t address, uint8_t *data, uint32_t count)
{
    uint32_t at, word = 0;

    if (count)
        WRITE(engine, read_address, address & ~UINT32_C(3));
    for (at = address & 3; count; at++, count--) {
        if ((at & 3) == 0 || at == (address & 3))
            word = READ(engine, read_data);
        *data++ = (uint8_t)(word >> 8 * (at & 3));
    }
}

static int check_range(struct bitline_engine *engine, uint32_t address, uint32_t bytes)
{
    if (is_busy(engine))
        return BITLINE_ENGINE_BUSY;
    if (address > engine->activation_bytes || bytes > engine->activation_bytes - address)
        return BITLINE_ENGINE_ARGUMENT;
    return BITLINE_ENGINE_OK;
}

int bitline_engine_write_memory(struct bitline_engine *engine, uint32_t address, const uint8_t *data, uint32_t bytes)
{
    int result = check_range(engine, address, bytes);

    if (result == BITLINE_ENGINE_OK)
        write_bytes(engine, address, data, bytes);
    return result;
}

int bitline_engine_read_memory(struct bitline_engine *engine, uint32_t address, uint8_t *data, uint32_t bytes)
{
    int result = check_range(engine, address, bytes);

    if (result == BITLINE_ENGINE_OK)
        read_bytes(engine, address, data, bytes);
    return result;
}

/* Magic, version, configuration, size and CRC-32 of an image, and the places of its sections. */
static int check_header(const struct bitline_engine *engine, const uint8_t *image, size_t bytes)
{
    uint32_t index, end = HEAD + 4;

    if (bytes < end || image[0] != 'B' || image[1] != 'L' || image[2] != 'N' || image[3] != 'E' ||
        half_at(image + AT_VERSION) != VERSION || half_at(image + AT_SECTIONS) != SECTIONS ||
        word_at(image + HEAD) != crc_of(image, HEAD))
        return BITLINE_ENGINE_DAMAGED;
    if (word_at(image + AT_CONFIGURATION) != engine->configuration)
        return BITLINE_ENGINE_OTHER_ENGINE;
    if (word_at(image + AT_SIZE) != bytes)
        return BITLINE_ENGINE_DAMAGED;
    for (index = 0; index < SECTIONS; index++) {
        const uint8_t *entry = image + HEADER + index * ENTRY;
        uint32_t size = word_at(entry + 4);

        if (word_at(entry) != end || size > bytes - end || word_at(entry + 8) != crc_of(image + end, size))
            return BITLINE_ENGINE_DAMAGED;
        end += size;
    }
    return end == bytes ? BITLINE_ENGINE_OK : BITLINE_ENGINE_DAMAGED;
}

/* The bytes of a section, of which there are `size`. */
static const uint8_t *section_of(const uint8_t *image, unsigned index, uint32_t *size)
{
    const uint8_t *entry = image + HEADER + index * ENTRY;

    *size = word_at(entry + 4);
    return image + word_at(entry);
}

/* Bytes of a port, which is within the memory; 0: it is none. */
static uint32_t port_bytes(const struct bitline_engine *engine, const uint8_t *port)
{
    uint32_t most = engine->activation_bytes, address = word_at(port + 4), lines = word_at(port + 8);
    uint32_t count = word_at(port + 12), pitch = word_at(port + 16), step = word_at(port + 20);
    uint64_t last;

    if (word_at(port) >= KINDS || lines == 0 || lines > most || count == 0 || count > most || step == 0 ||
        (pitch == 0 && lines > 1))
        return 0;
    last = address + (uint64_t)(lines - 1) * pitch + (uint64_t)(count - 1) * step;
    return last < most && (uint64_t)lines * count <= most ? lines * count : 0;
}

/* Sizes of inputs, outputs and states. */
static int set_ports(struct bitline_engine *engine, const uint8_t *ports, uint32_t size, uint32_t states)
{
    uint32_t total[KINDS] = {0, 0, 0}, at;

    for (at = 0; at < size; at += PORT) {
        uint32_t bytes = port_bytes(engine, ports + at), *sum = total + (bytes ? word_at(ports + at) : 0);

        if (bytes == 0 || bytes > engine->activation_bytes - *sum)
            return BITLINE_ENGINE_DAMAGED;
        *sum += bytes;
    }
    if (total[STATE] != states || total[INPUT] == 0 || total[OUTPUT] == 0)
        return BITLINE_ENGINE_DAMAGED;
    engine->port_count = size / PORT;
    engine->input_bytes = total[INPUT];
    engine->output_bytes = total[OUTPUT];
    engine->state_bytes = total[STATE];
    return BITLINE_ENGINE_OK;
}

/* A section must have whole items, and no more than there is room for. */
static int check_section(uint32_t size, uint32_t unit, uint32_t most)
{
    if (size > most * unit)
        return BITLINE_ENGINE_TOO_LARGE;
    /* A division of a microcontroller without one would need a library. */
    while (size >= unit)
        size -= unit;
    return size ? BITLINE_ENGINE_DAMAGED : BITLINE_ENGINE_OK;
}

/* A program must end: its last descriptor has the operation `END`. */
static int check_program(const uint8_t *image)
{
    uint32_t size;
    const uint8_t *program = section_of(image, PROGRAM, &size);

    return size && program[size - DESCRIPTOR] == END ? BITLINE_ENGINE_OK : BITLINE_ENGINE_DAMAGED;
}

/* Writes a section, and compares what the engine took with what the image says. */
static int write_section(struct bitline_engine *engine, const uint8_t *image, unsigned index)
{
    uint32_t size;
    const uint8_t *bytes = section_of(image, index, &size);

    set_target(engine, index, 0);
    write_words(engine, bytes, size);
    return READ(engine, checksum) == word_at(image + HEADER + index * ENTRY + 8) ? BITLINE_ENGINE_OK :
                                                                                  BITLINE_ENGINE_LOST;
}

const uint8_t *bitline_engine_weights(const uint8_t *image, uint32_t *bytes)
{
    return section_of(image, TILES, bytes);
}

/* Tells an engine where the rows of tiles are that it reads itself. */
static int set_weights(struct bitline_engine *engine, const uint8_t *image)
{
    uint32_t size, rows = 0;
    const uint8_t *weights = bitline_engine_weights(image, &size);

    if (engine->weights != NULL) {
        weights = engine->weights;
        if (crc_of(weights, size) != word_at(image + HEADER + TILES * ENTRY + 8))
            return BITLINE_ENGINE_DAMAGED;
    }
    if ((uintptr_t)weights & (engine->weight_port - 1))
        return BITLINE_ENGINE_ARGUMENT;
    for (; size; size -= engine->columns)
        rows++;
    WRITE(engine, row_count, rows);
    WRITE(engine, weight_address, (uint32_t)(uintptr_t)weights);
    WRITE(engine, weight_address_high, (uint32_t)((uint64_t)(uintptr_t)weights >> 32));
    return BITLINE_ENGINE_OK;
}

/* Writes the sections that the engine has memories for. */
static int write_sections(struct bitline_engine *engine, const uint8_t *image)
{
    const uint32_t units[] = {DESCRIPTOR, LOAD, engine->columns, PARAMETER * engine->lanes, PORT};
    const uint32_t most[] = {engine->program_length, engine->load_entries, engine->tile_rows, engine->parameter_slots,
                             UINT32_C(0x7ffffff)};
    uint32_t index, size;
    int result;

    for (index = PROGRAM; index <= PORTS; index++) {
        (void)section_of(image, index, &size);
        result = check_section(size, units[index], most[index]);
        if (result != BITLINE_ENGINE_OK)
            return result;
    }
    result = check_program(image);
    if (result != BITLINE_ENGINE_OK)
        return result;
    for (index = PROGRAM; index <= PARAMETERS; index++) {
        result = index == TILES && engine->weight_port ? set_weights(engine, image) :
                                                         write_section(engine, image, index);
        if (result != BITLINE_ENGINE_OK)
            return result;
    }
    (void)section_of(image, LOADS, &size);
    WRITE(engine, load_count, size / LOAD);
    return BITLINE_ENGINE_OK;
}

int bitline_engine_load(struct bitline_engine *engine, const uint8_t *image, size_t bytes)
{
    const uint8_t *ports, *states;
    uint32_t port_size, state_size;
    int result;

    if (is_busy(engine))
        return BITLINE_ENGINE_BUSY;
    engine->ports = NULL;
    /* The count stays at its greatest value, so that a later error would not show. */
    (void)bitline_engine_take_error(engine);
    result = check_header(engine, image, bytes);
    if (result != BITLINE_ENGINE_OK)
        return result;
    ports = section_of(image, PORTS, &port_size);
    states = section_of(image, STATES, &state_size);
    result = check_section(port_size, PORT, UINT32_C(0x7ffffff));
    if (result == BITLINE_ENGINE_OK)
        result = set_ports(engine, ports, port_size, state_size);
    if (result == BITLINE_ENGINE_OK)
        result = write_sections(engine, image);
    if (result != BITLINE_ENGINE_OK)
        return result;
    if (READ(engine, error) != 0)
        return BITLINE_ENGINE_REFUSED;
    engine->ports = ports;
    engine->states = states;
    return bitline_engine_begin_stream(engine);
}

/* Bytes to or from the ports of a kind, in their order. */
static int move_ports(struct bitline_engine *engine, uint32_t kind, const uint8_t *given, uint8_t *taken)
{
    uint32_t index, line, byte;

    if (engine->ports == NULL)
        return BITLINE_ENGINE_NO_IMAGE;
    if (is_busy(engine))
        return BITLINE_ENGINE_BUSY;
    for (index = 0; index < engine->port_count; index++) {
        const uint8_t *port = engine->ports + (size_t)index * PORT;
        uint32_t address = word_at(port + 4), lines = word_at(port + 8), count = word_at(port + 12);
        uint32_t pitch = word_at(port + 16), step = word_at(port + 20), run = step == 1 ? count : 1;

        for (line = 0; line < lines && word_at(port) == kind; line++)
            for (byte = 0; byte < count; byte += run) {
                uint32_t first = address + line * pitch + byte * step;

                if (given != NULL) {
                    write_bytes(engine, first, given, run);
                    given += run;
                } else {
                    read_bytes(engine, first, taken, run);
                    taken += run;
                }
            }
    }
    return BITLINE_ENGINE_OK;
}

int bitline_engine_begin_stream(struct bitline_engine *engine)
{
    return move_ports(engine, STATE, engine->states, NULL);
}

int bitline_engine_write_input(struct bitline_engine *engine, const int8_t *input, size_t bytes)
{
    if (engine->ports != NULL && bytes != engine->input_bytes)
        return BITLINE_ENGINE_ARGUMENT;
    return move_ports(engine, INPUT, (const uint8_t *)input, NULL);
}

int bitline_engine_read_output(struct bitline_engine *engine, int8_t *output, size_t bytes)
{
    if (engine->ports != NULL && bytes != engine->output_bytes)
        return BITLINE_ENGINE_ARGUMENT;
    return move_ports(engine, OUTPUT, NULL, (uint8_t *)output);
}

int bitline_engine_start(struct bitline_engine *engine)
{
    if (engine->ports == NULL)
        return BITLINE_ENGINE_NO_IMAGE;
    if (is_busy(engine))
        return BITLINE_ENGINE_BUSY;
    /* That of a run whose end was polled would raise the interrupt of this one. */
    WRITE(engine, interrupt_status, BITLINE_ENGINE__INTERRUPT_STATUS__FINISHED_bm);
    WRITE(engine, control, BITLINE_ENGINE__CONTROL__START_bm);
    return BITLINE_ENGINE_OK;
}

int bitline_engine_wait(struct bitline_engine *engine)
{
    uint32_t poll, status;

    for (poll = 0; poll < engine->polls; poll++) {
        status = READ(engine, status);
        if (GET(status, STATUS__BUSY))
            continue;
        if (GET(READ(engine, fault), FAULT__CODE) != 0)
            return BITLINE_ENGINE_FAULT;
        return GET(status, STATUS__CANCELED) ? BITLINE_ENGINE_CANCELED : BITLINE_ENGINE_OK;
    }
    return BITLINE_ENGINE_TIMEOUT;
}

int bitline_engine_run(struct bitline_engine *engine, const int8_t *input, size_t bytes)
{
    int result = bitline_engine_write_input(engine, input, bytes);

    if (result == BITLINE_ENGINE_OK)
        result = bitline_engine_start(engine);
    return result == BITLINE_ENGINE_OK ? bitline_engine_wait(engine) : result;
}

int bitline_engine_cancel(struct bitline_engine *engine)
{
    WRITE(engine, control, BITLINE_ENGINE__CONTROL__CANCEL_bm);
    return bitline_engine_wait(engine);
}

unsigned bitline_engine_class(struct bitline_engine *engine)
{
    return GET(READ(engine, result), RESULT__ARGMAX);
}

void bitline_engine_take_fault(struct bitline_engine *engine, struct bitline_engine_fault *fault)
{
    uint32_t word = READ(engine, fault);

    fault->code = GET(word, FAULT__CODE);
    fault->descriptor = GET(word, FAULT__DESCRIPTOR);
}

uint32_t bitline_engine_cycles(struct bitline_engine *engine)
{
    return READ(engine, cycles);
}

unsigned bitline_engine_trace_count(struct bitline_engine *engine)
{
    return GET(READ(engine, trace_count), TRACE_COUNT__COUNT);
}

int bitline_engine_trace(struct bitline_engine *engine, unsigned number, struct bitline_engine_entry *entry)
{
    uint32_t *const words[] = {&entry->start, &entry->end, &entry->rows, &entry->reads, &entry->lanes};
    uint32_t index;

    if (is_busy(engine))
        return BITLINE_ENGINE_BUSY;
    if (number >= bitline_engine_trace_count(engine))
        return BITLINE_ENGINE_ARGUMENT;
    for (index = 0; index < sizeof words / sizeof words[0]; index++) {
        WRITE(engine, trace_address, number * BITLINE_ENGINE_ENTRY_WORDS + index);
        *words[index] = READ(engine, trace_data);
    }
    return BITLINE_ENGINE_OK;
}

void bitline_engine_enable(struct bitline_engine *engine, unsigned events)
{
    WRITE(engine, interrupt_enable, events);
}

unsigned bitline_engine_take_events(struct bitline_engine *engine)
{
    uint32_t events = READ(engine, interrupt_status);

    WRITE(engine, interrupt_status, events);
    return events;
}

unsigned bitline_engine_take_error(struct bitline_engine *engine)
{
    unsigned code = GET(READ(engine, error), ERROR__CODE);

    if (code != BITLINE_ENGINE_ERROR_NONE)
        WRITE(engine, control, BITLINE_ENGINE__CONTROL__CLEAR_ERROR_bm);
    return code;
}
