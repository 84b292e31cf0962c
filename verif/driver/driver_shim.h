/* Registers of a simulated core or engine in place of memory. */
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
uint32_t shim_read(uintptr_t address);
void shim_write(uintptr_t address, uint32_t value);
#ifdef __cplusplus
}
#endif
#define BITLINE_CORE_READ(address) shim_read(address)
#define BITLINE_CORE_WRITE(address, value) shim_write(address, value)
#define BITLINE_ENGINE_READ(address) shim_read(address)
#define BITLINE_ENGINE_WRITE(address, value) shim_write(address, value)
