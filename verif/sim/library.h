// What all verilated designs include, compiled once for all of them.
#include "verilated_dpi.h"
#include "verilated_syms.h"
#include "verilated_vpi.h"
