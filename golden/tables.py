"""Table columns in numpy: the entries of the tables, and the sums of what is read."""

import numpy as np


def _by_group(shape, rows, missing=0):
    """Values (rows, ...) as (groups, group_rows, ...), with ``missing`` for missing rows of the last group."""
    rows = np.asarray(rows, dtype=np.int64)
    padded = np.concatenate([rows, np.full((1, *rows.shape[1:]), missing, dtype=np.int64)])
    return padded[[[-1 if row is None else row for row in group] for group in shape.rows_of_groups]]


def table_entries(shape, weights):
    """All entries of the tables of a bank; in offset binary before the parity is split off.

    Plain: the sum of the weights whose address bit is one. Offset binary: the last weight, plus those whose address bit
    is one, minus the others.

    Parameters
    ----------
    shape : TableShape
    weights : int array (rows, columns)

    Returns
    -------
    int64 array (groups, 2**address_bits, columns)
    """
    factors = np.arange(1 << shape.address_bits)[:, None] >> np.arange(shape.address_bits) & 1
    if shape.is_offset:
        factors = np.pad(2 * factors - 1, ((0, 0), (0, 1)), constant_values=1)
    return factors @ _by_group(shape, weights)


def table_reads(shape, plane):
    """For each group the address that a plane (rows,) reads, and the sign (1: negative): two int64 arrays (groups,)."""
    bits, signs = _by_group(shape, plane, missing=-1), np.zeros(shape.groups, dtype=np.int64)
    ones = bits == 1
    if shape.is_offset:
        # Missing rows count as equal.
        ones, signs = ((bits == bits[:, -1:]) | (bits < 0))[:, :-1], 1 - bits[:, -1]
    return ones @ (1 << np.arange(shape.address_bits)), signs


def table_levels(shape, weights, plane):
    """Values after the tables and after each level of adders, for a plane (rows,).

    In offset binary with parity ``P`` an entry ``T`` is stored as ``u = (T - P) / 2``. A group contributes ``u``, or
    ``~u`` and a carry of ``1 - P`` if it is negative. Every adder adds the first carry of its operands.

    Parameters
    ----------
    shape : TableShape
    weights : int array (rows, columns)
    plane : int array (rows,)

    Returns
    -------
    list of list of (int64 array (columns,), list of int64 array (columns,))
        For each level its nodes, in the order of the groups: value, and carries not yet added.
    """
    addresses, signs = table_reads(shape, plane)
    entries = table_entries(shape, weights)[np.arange(shape.groups), addresses]
    nodes = [(entry, []) for entry in entries]
    if shape.is_offset:
        nodes = [(entry >> 1 ^ -sign, [sign & ~entry & 1]) for entry, sign in zip(entries, signs)]
    levels = [nodes]
    while len(nodes) > 1:
        pairs = [nodes[index:index + 2] for index in range(0, len(nodes), 2)]
        nodes = [_sum_of(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
        levels.append(nodes)
    return levels


def _sum_of(first, second):
    carries = first[1] + second[1]
    return first[0] + second[0] + (carries[0] if carries else 0), carries[1:]


def table_sums(shape, weights, plane):
    """Sums of a plane (rows,) for each column, int64 (columns,): in offset binary minus those of a plane of zeros.

    With a one as +1 and a zero as -1 the levels give half of ``2 * sum(w * plane) - sum(w)``, minus half the parities:
    the sum, plus a constant of the column.
    """
    total = _total(table_levels(shape, weights, plane))
    return total - _total(table_levels(shape, weights, np.zeros_like(plane))) if shape.is_offset else total


def _total(levels):
    ((value, carries),) = levels[-1]
    return value + sum(carries)
