/* The serial port of the SoC: numbers and text for the programs on it, each of which includes this once. */

#include <generated/csr.h>
#include <stdint.h>

enum { EOT = 4, RECEIVED = 2 };

static void put(char letter)
{
    while (uart_txfull_read())
        ;
    uart_rxtx_write((uint8_t)letter);
}

static void put_number(int32_t number)
{
    char digits[10];
    unsigned count = 0;
    uint32_t rest = number < 0 ? -(uint32_t)number : (uint32_t)number;

    put(' ');
    if (number < 0)
        put('-');
    do
        digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (count)
        put(digits[--count]);
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

static void say(const char *name, int32_t number)
{
    put_text(name);
    put_number(number);
    put('\n');
}

static uint8_t get(void)
{
    uint8_t byte;

    while (uart_rxempty_read())
        ;
    byte = (uint8_t)uart_rxtx_read();
    uart_ev_pending_write(RECEIVED);
    return byte;
}

static int32_t get_word(void)
{
    uint32_t word = 0;
    unsigned byte;

    for (byte = 0; byte < 4; byte++)
        word |= (uint32_t)get() << 8 * byte;
    return (int32_t)word;
}
