import json

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig

MACRO = MacroConfig(rows=64, columns=64)


@pytest.mark.parametrize("parameters, error, message", [
    ({"macro": {"rows": 1}}, TypeError, r"^macro must be of type MacroConfig, not \{'rows': 1\}$"),
    ({"macro": MacroConfig(rows=4, columns=4, fuse=2)}, ValueError, r"^fuse must be 1 in a core, not 2$"),
    ({"macro": MacroConfig(rows=1024, columns=1, max_accumulations=65536)}, ValueError,
     r"^weight_bits, input_bits, rows and max_accumulations of a core must keep a total within 32 bits, not 42$"),
    ({"input_stream_bits": 48}, ValueError, r"^input_stream_bits must be one of 32, 64, .*, 1024, not 48$"),
    ({"weight_stream_bits": 64.0}, ValueError, r"^weight_stream_bits must be one of .*, not 64.0$"),
    ({"output_stream_bits": "64"}, ValueError, r"^output_stream_bits must be one of .*, not '64'$"),
    ({"output": "int4"}, ValueError, r"^output must be one of int8, int16, int32, not 'int4'$"),
    ({"reset": True}, ValueError, r"^reset must be one of synchronous, asynchronous, not True$"),
    ({"bus": "ahb"}, ValueError, r"^bus must be one of axi, wishbone, apb, not 'ahb'$"),
])
def test_wrong_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        CoreConfig(**{"macro": MACRO, **parameters})


@pytest.mark.parametrize("text, message", [
    ("[]", r"must be a JSON object, not \[\]"),
    ("{}", "must give macro, not only nothing"),
    ('{"macro": 3}', "must be a JSON object, not 3"),
    ('{"macro": {"rows": 4}}', "must give columns, not only rows"),
    ('{"macro": {"rows": 4, "columns": 4}, "lanes": 2}', "must be among macro, .* not 'lanes'"),
    ('{"macro": {"rows": 4, "columns": 0}}', "columns must be an integer from 1 to 1024, not 0"),
])
def test_wrong_json(text, message):
    with pytest.raises(ValueError, match=message):
        CoreConfig.from_json(text)


CHANGES = [{"input_stream_bits": 32}, {"weight_stream_bits": 32}, {"output_stream_bits": 32}, {"output": "int16"},
           {"reset": "asynchronous"}, {"bus": "apb"}, {"dma": 32}, {"dma": 64},
           {"macro": MacroConfig(rows=64, columns=63)}]


def test_each_parameter_changes_the_hash_and_survives_json():
    configs = [CoreConfig(**{"macro": MACRO, **change}) for change in [{}, *CHANGES]]
    assert len({config.hash for config in configs}) == len(configs)
    for config in configs:
        assert CoreConfig.from_json(config.to_json()) == config
        assert CoreConfig.from_dict(json.loads(config.to_json())).name == config.name


def test_configurations_from_before_a_parameter_keep_their_names():
    """Those from before there were `dma` and `table_writers`."""
    macro = MacroConfig(rows=64, columns=64, banks=2, column="table")
    assert macro.name == "bitline_64x64_w8x8_3c252241"
    assert CoreConfig(macro=macro).name == "bitline_core_64x64_w8x8_a37fe39b"


@pytest.mark.parametrize("macro, output, bits, lanes, groups", [
    ({"rows": 64, "columns": 64}, "int8", 64, 8, 8),
    ({"rows": 64, "columns": 64}, "int16", 64, 4, 16),
    ({"rows": 64, "columns": 64}, "int16", 128, 8, 8),
    ({"rows": 64, "columns": 64}, "int32", 64, 2, 32),
    ({"rows": 64, "columns": 64}, "int32", 256, 8, 8),
    ({"rows": 64, "columns": 64, "input_bits": 1}, "int8", 512, 64, 1),
    ({"rows": 64, "columns": 4}, "int8", 64, 1, 4),
    ({"rows": 8, "columns": 13, "input_bits": 4}, "int8", 32, 4, 4),
])
def test_lanes_keep_up_with_the_array_unless_the_stream_cannot(macro, output, bits, lanes, groups):
    config = CoreConfig(macro=MacroConfig(**macro), output=output, output_stream_bits=bits)
    assert (config.lanes, config.groups) == (lanes, groups)
    assert groups <= config.macro.input_bits or lanes == config.beat_results
