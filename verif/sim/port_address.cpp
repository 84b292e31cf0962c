// Part of a verilated design: where its top module's ports are in memory, for stream_player.cpp.
#include "verilated.h"
#include "verilated_syms.h"

extern "C" void* bitline_port_address(const char* name) {
    const VerilatedScope* top = Verilated::threadContextp()->scopeFind("TOP");
    const VerilatedVar* port = top ? top->varFind(name) : nullptr;
    return port ? port->datap() : nullptr;
}
