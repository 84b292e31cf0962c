"""March tests: what they write and read, in which order, and the faults that they find in a memory."""

# March elements in the notation of the literature: address order, then reads and writes of a background or its inverse.
# Sources: A. J. van de Goor, "Testing Semiconductor Memories" (March C-, 10N); S. Hamdioui, A. J. van de Goor and
# M. Rodgers, "March SS: a test for all static simple RAM faults", MTDT 2002 (22N).
PROGRAMS = {
    "zeroize": (("up", "w0"), ("up", "r0")),
    "march_c_minus": (("up", "w0"), ("up", "r0 w1"), ("up", "r1 w0"), ("down", "r0 w1"), ("down", "r1 w0"),
                      ("up", "r0")),
    "march_ss": (("up", "w0"), ("up", "r0 r0 w0 r0 w1"), ("up", "r1 r1 w1 r1 w0"), ("down", "r0 r0 w0 r0 w1"),
                 ("down", "r1 r1 w1 r1 w0"), ("up", "r0")),
    # Pseudo-random rows, and then a pseudo-random vector for each of them; see `known_answers`.
    "known_answers": (("up", "wd"), ("up", "rd")),
}


def backgrounds(weight_bits, columns):
    """Words of a row that distinguish any two of its bits: zeros, then a word for each bit of the position in a weight,
    and for each bit of the column number."""
    positions = [(bit, column) for column in range(columns) for bit in range(weight_bits)]
    words = [0]
    for part, count in ((0, weight_bits), (1, columns)):
        for k in range((count - 1).bit_length()):
            words.append(sum((position[part] >> k & 1) << index for index, position in enumerate(positions)))
    return words


def run(program, memory, rows, words, width):
    """Run a program on some rows of a memory, in their order.

    Parameters
    ----------
    program : str
        Of ``PROGRAMS``.
    memory : object
        With ``write(row, word)`` and ``read(row)``.
    rows : list of int
        By rising address.
    words : list of int
        Backgrounds; the program runs with each.
    width : int
        Bits of a row.

    Returns
    -------
    (row, bit) or None
        The first bit that was read wrong, the lowest of its row.
    """
    mask = (1 << width) - 1
    for word in words:
        for order, operations in PROGRAMS[program]:
            for row in rows if order == "up" else reversed(rows):
                for name in operations.split():
                    value = word ^ mask if name[1] == "1" else word
                    if name[0] == "w":
                        memory.write(row, value)
                    elif (wrong := memory.read(row) ^ value):
                        return row, (wrong & -wrong).bit_length() - 1
    return None


def program_cycles(config, program):
    """Clock cycles of a program in a core of bitcells, from its start, with nothing in flight, to its end.

    Exact for marches and zeroize; the most that known answers take, whose vectors may have planes to skip. Tables take
    longer, as each group of rows waits until its tables are filled.

    Parameters
    ----------
    config : CoreConfig
    program : str
        Of ``PROGRAMS``.
    """
    macro, dense = config.macro, program == "known_answers"
    write = 6 + config.row_beats
    read = 4 + config.vector_beats + macro.latency + config.groups
    if dense:
        # All planes, where a march has vectors of one; the sum of a row's weights, which a march knows.
        read += macro.input_bits - 1
        write += -(-(macro.columns - 1).bit_length() // 2) if config.checksum else 0
    is_march = program.startswith("march")
    operations = " ".join(names for _, names in PROGRAMS[program]).split()
    one_row = sum(write if name[0] == "w" else read for name in operations)
    runs = len(backgrounds(macro.weight_bits, config.array.columns)) if is_march else 1
    return 3 + runs * macro.banks * macro.rows * one_row
