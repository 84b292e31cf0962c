"""Proof that the adders of a carry-save tree, each of which keeps the sum of its bits, add up all products."""

from collections import Counter

ADDERS = ("_full_adder", "_half_adder")


def adders_of(module):
    """The pins of each adder of a tree, by name."""
    return [instance.pins for instance in module.instances.values() if instance.module.endswith(ADDERS)]


def result_of(module):
    """The bits that are stored in the tree's register, the lowest first."""
    return module.taken("sum").removeprefix("{ ").removesuffix(" }").split(", ")[::-1]


def compressed(module, rows, weight_bits):
    """Why a tree does not give the sum of its products less that of its complemented signs; None if it does.

    Each adder has ``a + b + c == sum + 2 * carry``, which is proved apart. So wherever ``sum`` counts so much, and
    ``carry`` twice that, the adder stands for what goes into it. Put in from the result to the products, modulo two to
    the width of the result, what is left must be each product as often as its bit says, and the constant that takes
    the complements of the signs back.
    """
    bits = result_of(module)
    modulus = 1 << len(bits)
    counts, constant = Counter(), 0
    for position, name in enumerate(bits):
        inverted = module.assigned.get(name, "").startswith("~ ")
        counts[module.assigned[name].removeprefix("~ ") if inverted else name] += (-1 if inverted else 1) << position
        constant += inverted << position
    left = {pins["sum"]: pins for pins in adders_of(module)}
    producers = {pins[port]: pins["sum"] for pins in left.values() for port in ("sum", "carry") if port in pins}
    readers = Counter(producers[pins[port]] for pins in left.values() for port in "abc" if pins.get(port) in producers)
    ready = [name for name in left if not readers[name]]
    while ready:
        pins = left.pop(ready.pop())
        weight, carried = counts.pop(pins["sum"], 0), counts.pop(pins.get("carry"), 0)
        if (carried - 2 * weight) % modulus:
            return f"{pins['carry']} counts {carried}, and must count twice as much as {pins['sum']}, {weight}"
        for source in (pins[port] for port in "abc" if port in pins):
            if source in producers:
                readers[producers[source]] -= 1
                if not readers[producers[source]]:
                    ready.append(producers[source])
            if source[0].isdigit():
                constant += weight * int(source[-1])
            else:
                counts[source] += weight
    if left:
        return f"{min(left)} hangs in a loop"
    wanted = {f"product_{row}_{bit}": 1 << bit for row in range(rows) for bit in range(weight_bits)}
    for name in sorted(counts.keys() | wanted.keys()):
        if (counts[name] - wanted.get(name, 0)) % modulus:
            return f"{name} counts {counts[name] % modulus}, not {wanted.get(name, 0)}"
    if (constant + (rows << weight_bits - 1)) % modulus:
        return f"the constant is {constant % modulus}, not minus {rows} signs"
    return None


def cells(rows, weight_bits):
    """Taps of a carry-save tree: the pins of its adders, its products, and the input of its register."""
    def taps(module):
        pins = [each.get(port, "1'b0") for each in adders_of(module) for port in ("carry", "sum", "c", "b", "a")][::-1]
        # The list above runs backwards over the adders too, which does not matter: each has five.
        products = [f"product_{row}_{bit}" for row in range(rows) for bit in range(weight_bits)]
        result = result_of(module)
        return {"adders": (len(pins), "{" + ", ".join(reversed(pins)) + "}"),
                "products": (len(products), "{" + ", ".join(reversed(products)) + "}"),
                "result": (len(result), "{" + ", ".join(reversed(result)) + "}")}
    return taps
