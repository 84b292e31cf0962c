"""Drawn ``.tflite`` networks of operators that keep something from run to run."""

# Scales of what goes into the functions of an LSTM's gates.
GATE_SCALE = 2.0 ** -12


def _state(drawn, shape, dtype, scale, zero_point=0):
    return drawn.file.tensor(shape, dtype, scale, zero_point, is_variable=True)


def _lstm(drawn):
    """Any gates, coupled or not, with a clip or without, time or batch first, saturated now and then."""
    rng, file = drawn.rng, drawn.file
    batch, time, cells, depth = *drawn.lengths(2, 1, 9), int(rng.integers(1, 65)), int(rng.integers(1, 33))
    is_time_major, coupled, point = bool(rng.integers(2)), rng.integers(4) == 0, drawn.zero_point()
    leading, first, kept = (time, batch) if is_time_major else (batch, time), drawn.scale(-7, -2), drawn.scale(-9, -6)
    x = drawn.activation((*leading, depth), first)
    # By what of the gates' inputs a step of a weight makes.
    weights = [file.constant(rng.integers(-127, 128, (cells, width)), "int8", drawn.near(GATE_SCALE, 4) / scale / 4)
               for width, scale in [(depth, first)] * 4 + [(cells, kept)] * 4]
    biases = [file.constant(rng.integers(-30000, 30000, cells), "int32", 1e-4) for _ in range(4)]
    if coupled:
        weights[0] = weights[4] = biases[0] = -1
    # The output is computed at the scale of an intermediate.
    hidden = (kept, point) if rng.integers(4) else (drawn.near(kept, 1), drawn.zero_point())
    states = [_state(drawn, (batch, cells), "int8", kept, point),
              _state(drawn, (batch, cells), "int16", 2.0 ** int(rng.integers(-15, -8)))]
    between = [file.tensor((0,), "float32") for _ in range(4)] + [file.tensor((0,), "int8", *hidden)]
    file.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *weights, -1, -1, -1, *biases, -1, -1, *states, *[-1] * 4],
                  drawn.made((*leading, cells), kept, point), "UnidirectionalSequenceLSTMOptions", between,
                  FusedActivationFunction="tanh", TimeMajor=is_time_major,
                  CellClip=float(rng.choice([0.0, 0.0, rng.uniform(0.01, 1.0)])))


def _svdf(drawn):
    """Of any rank, with accumulators that saturate now and then."""
    rng, file = drawn.rng, drawn.file
    batch, depth, units, rank, memory = *drawn.lengths(3, 1, 40), int(rng.integers(1, 4)), int(rng.integers(1, 9))
    filters, first, second = units * rank, drawn.scale(-7, -2), drawn.scale(-9, -4)
    kept, third = drawn.near(first * second * 2, 3), drawn.scale(-16, -10)
    features = file.constant(rng.integers(-127, 128, (filters, depth)), "int8", second)
    low, high = ((-32768, 32767) if rng.integers(3) else (-300, 300))
    times = file.constant(rng.integers(low, high + 1, (filters, memory)), "int16", third)
    bias = file.constant(rng.integers(-30000, 30000, units), "int32", kept * third) if rng.integers(4) else -1
    state = _state(drawn, (batch, filters * memory), "int16", kept)
    size = high * 4096 * memory * rank
    file.operator("SVDF", [drawn.activation((batch, depth), first), features, times, bias, state],
                  drawn.made((batch, units), drawn.near(kept * third * size / 128, 4)), "SVDFOptions", Rank=rank,
                  FusedActivationFunction="relu")


def _variable(drawn):
    """What was assigned in the run before, beside what comes; at first what the file says."""
    file, shape, quantization = drawn.file, drawn.lengths(int(drawn.rng.integers(1, 4)), 1, 12), drawn.quantization()
    x = drawn.activation(shape, *quantization)
    handle = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="kept")
    file.operator("CALL_ONCE", [], [], "CallOnceOptions", InitSubgraphIndex=1)
    file.operator("READ_VARIABLE", [handle], drawn.made(shape, *quantization), "ReadVariableOptions")
    file.operator("ASSIGN_VARIABLE", [handle, x], [], "AssignVariableOptions")
    before = drawn.values(shape, drawn.dtype)
    with file.subgraph():
        other = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="kept")
        file.operator("ASSIGN_VARIABLE", [other, file.constant(before, drawn.dtype, quantization[0])], [],
                      "AssignVariableOptions")


KINDS = ("int8", "uint8", "int16", "int32", "float32")
KEPT = {
    "ASSIGN_VARIABLE": (_variable, KINDS),
    "READ_VARIABLE": (_variable, KINDS),
    "SVDF": (_svdf, ("int8",)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (_lstm, ("int8",)),
}
