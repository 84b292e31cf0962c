import importlib.util
import json
import os
import re
import subprocess

import numpy as np
import pytest
from bitline.golden.program import pause
from bitline.hdl.config import MacroConfig
from bitline.host.network.compare import Mismatch
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.network import NetworkError
from bitline.host.network.problems import Problems
from bitline.scripts.commands.networks.run import list_mismatches
from places import NETWORKS

pytest.importorskip("tflite", reason="no tflite here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile
from some import some
from streams import streaming

MACRO = ("--rows", 16, "--columns", 12, "--banks", 2)


@pytest.fixture
def model(tmp_path):
    """A model of a convolution, its pooling, and a fully connected layer: 1 x 6 x 6 x 2 to 1 x 3."""
    rng, file = np.random.default_rng(1), TfliteFile()
    x = file.tensor((1, 6, 6, 2), "int8", 0.05, -128)
    y = file.tensor((1, 6, 6, 4), "int8", 0.1, -128)
    file.operator("CONV_2D", [x, file.constant(rng.integers(-127, 128, (4, 3, 3, 2)), "int8", [0.01] * 4),
                              file.constant([100, -100, 0, 5], "int32")], y, "Conv2DOptions", Padding="same",
                  StrideH=1, StrideW=1, FusedActivationFunction="relu")
    pooled = file.operator("MAX_POOL_2D", [y], file.tensor((1, 2, 2, 4), "int8", 0.1, -128), "Pool2DOptions",
                           Padding="valid", StrideH=3, StrideW=3, FilterHeight=3, FilterWidth=3)
    flat = file.operator("RESHAPE", [pooled, file.constant([1, 16], "int32")],
                         file.tensor((1, 16), "int8", 0.1, -128), "ReshapeOptions")
    out = file.operator("FULLY_CONNECTED", [flat, file.constant(rng.integers(-127, 128, (3, 16)), "int8", 0.02)],
                        file.tensor((1, 3), "int8", 0.5), "FullyConnectedOptions")
    path = tmp_path / "model.tflite"
    path.write_bytes(file.data([x], [out]))
    return path


@pytest.fixture
def files(tmp_path):
    """Three files with inputs, of which the second holds two."""
    rng, folder = np.random.default_rng(2), tmp_path / "inputs"
    folder.mkdir()
    (folder / "a.dat").write_bytes(rng.integers(0, 256, 72, dtype=np.uint8).tobytes())
    (folder / "b.dat").write_bytes(rng.integers(0, 256, 144, dtype=np.uint8).tobytes())
    np.save(folder / "c.npy", rng.integers(-128, 128, (1, 6, 6, 2)))
    return folder


@pytest.mark.parametrize("backend", ["golden", "rtl"])
def test_report_of_a_run(cli, model, files, tmp_path, backend):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    (tmp_path / "labels.csv").write_text("a.dat,0\nb.dat,1\nc.npy,2\n")
    status, output, errors = cli("run", model, "--inputs", files, *MACRO, "--backend", backend, "--report",
                                 tmp_path / "out", "--output", tmp_path / "y.npy", "--labels", tmp_path / "labels.csv",
                                 "--batch", 3, "--plan", "--check")
    assert status == 0, errors
    report, y = json.loads((tmp_path / "out" / "report.json").read_text()), np.load(tmp_path / "y.npy")
    assert y.shape == (4, 1, 3)
    assert report["accuracy"] == (y[:, 0].argmax(1) == [0, 1, 1, 2]).mean()
    assert report["inputs"] == 4 and report["batch"] == 3
    assert report["accumulator_mismatches"] == report["reference_mismatches"] == 0
    assert report["checked_against_reference"] and report["mismatch_list"] == []
    assert [layer["layer"] for layer in report["layers"]] == ["operator 0 (CONV_2D)", "operator 3 (FULLY_CONNECTED)"]
    if backend == "rtl":
        assert report["cycles"] == report["predicted_cycles"] and report["cycles_as_predicted"]
        assert report["cycles"] == sum(layer["cycles"] for layer in report["layers"])
    config = MacroConfig(rows=16, columns=12, banks=2)
    # Two batches of two products.
    assert report["cycles_per_input_with_pauses"] == report["cycles_per_input"] + 4 * pause(config) / 4
    assert report["inferences_per_second"] == pytest.approx(1e8 / report["cycles_per_input_with_pauses"])
    for layer in report["layers"]:
        assert 0 < layer["utilization"] <= 1 and layer["bits_ideal_reuse"] <= layer["bits_moved"]
    assert [layer["macs"] for layer in report["layers"]] == [36 * 4 * 18, 48]
    # Of 6 x 6 places of a window of 3 x 3 pixels, 16 x 16 of 18 x 18 see no padding; 4 inputs, 2 batches.
    assert [layer["bits_without_reuse"] for layer in report["layers"]] == [
        4 * (16 * 16 * 4 * 2 * 16 + 144 * 32), 4 * (48 * 16 + 3 * 32)]
    assert [layer["bits_ideal_reuse"] for layer in report["layers"]] == [
        2 * 72 * 8 + 4 * (72 * 8 + 144 * 32), 2 * 48 * 8 + 4 * (16 * 8 + 3 * 32)]
    page = (tmp_path / "out" / "report.html").read_text()
    # Nothing is fetched from anywhere.
    assert not re.search(r"(src|href)=.(?!data:)", page) and page.count("data:image/png;base64,") == 4
    assert "bank 0: " in page and "bank 0: " in output and "0 mismatches in all layers" in output


@pytest.mark.needs("chromium")
def test_report_fits_a_window_with_all_rows_open(cli, model, files, tmp_path):
    status, _, errors = cli("run", model, "--inputs", files, *MACRO, "--report", tmp_path / "out", "--no-check")
    assert status == 0, errors
    page = (tmp_path / "out" / "report.html").read_text().replace("<details>", "<details open>")
    assert page.count("<details open>") == 2 and page.count("<dt>first mismatch</dt><dd>none</dd>") == 2
    measure = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
    (tmp_path / "page.html").write_text(page.replace("</body>", measure))
    # A browser without a network.
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1300,900",
                           "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
                           "--dump-dom", (tmp_path / "page.html").as_uri()],
                          capture_output=True, text=True, timeout=120, check=True)
    (width, window), = re.findall(r"<title>(\d+) of (\d+)</title>", done.stdout)
    assert 0 < int(width) <= int(window) == 1300


def test_batches_load_weights_less_often(cli, model, files, tmp_path):
    cycles = []
    for batch in (1, 4):
        cli("run", model, "--inputs", files, *MACRO, "--report", tmp_path / "out", "--batch", batch, "--no-check")
        cycles.append(json.loads((tmp_path / "out" / "report.json").read_text())["predicted_cycles"])
    assert cycles[1] < cycles[0]


def test_numpy_has_no_macro(cli, refused, model, files, tmp_path):
    arguments = ("run", model, "--inputs", files / "a.dat", files / "b.dat", "--count", 2, "--no-check")
    status, output, _ = cli(*arguments, "--backend", "numpy")
    assert status == 0 and output.startswith("2 inputs, products in numpy") and "cycles" not in output
    for more in (("--report", tmp_path / "out"), ("--plan",), ("--rows", 4, "--columns", 4)):
        refused(*arguments, "--backend", "numpy", *more, match="must come with a macro, not with --backend numpy")


def test_a_report_changes_nothing_that_is_computed(cli, model, files, tmp_path):
    arguments, outputs = ("run", model, "--inputs", files, "--no-check"), []
    for number, more in enumerate(((), ("--report", tmp_path / "out"))):
        status, output, errors = cli(*arguments, *more, "--output", tmp_path / f"{number}.npy")
        assert status == 0, errors
        outputs.append(re.findall("[0-9]+ inputs, 0 mismatches of accumulators, .* between layers", output))
    assert outputs[0] == outputs[1] and len(outputs[0]) == 1
    assert (tmp_path / "0.npy").read_bytes() == (tmp_path / "1.npy").read_bytes()


def test_network_without_weights(cli, tmp_path):
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    y = file.operator("RELU", [x], file.tensor((1, 4), "int8", 0.1, -128))
    (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
    (tmp_path / "x.dat").write_bytes(bytes(range(8)))
    status, output, _ = cli("run", tmp_path / "m.tflite", "--inputs", tmp_path / "x.dat", "--backend", "rtl",
                            *MACRO, "--report", tmp_path / "out", "--no-check")
    assert status == 0 and output.startswith("2 inputs")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["layers"] == []


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "float32"])
def test_arrays_of_the_kind_of_the_input_are_taken(cli, refused, tmp_path, dtype):
    file = TfliteFile()
    x = file.tensor((1, 2, 3), dtype, *(() if dtype == "float32" else (0.5,)))
    out = file.operator("RESHAPE", [x, file.constant([1, 6], "int32")],
                        file.tensor((1, 6), dtype, *(() if dtype == "float32" else (0.5,))), "ReshapeOptions")
    (tmp_path / "m.tflite").write_bytes(file.data([x], [out]))
    values = np.arange(12).reshape(2, 2, 3).astype(dtype)
    np.save(tmp_path / "x.npy", values)
    status, _, errors = cli("run", tmp_path / "m.tflite", tmp_path / "x.npy", "--no-check", "--output",
                            tmp_path / "y.npy")
    y = np.load(tmp_path / "y.npy")
    assert status == 0 and y.dtype == dtype and y.ravel().tolist() == values.ravel().tolist(), errors
    other = "int32" if dtype == "float32" else "float32"
    np.save(tmp_path / "x.npy", values.astype(other))
    refused("run", tmp_path / "m.tflite", tmp_path / "x.npy", match=f"must hold numbers of {dtype}, not {other}")


def test_steps_of_a_stream(cli, refused, model, files, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    file, x, y = streaming()
    (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
    np.save(tmp_path / "x.npy", np.random.default_rng(4).integers(-128, 128, (20, 1, 6)))
    found = []
    for arguments in ((), ("--stateful",), ("--stateful", "--batch", 7)):
        status, output, errors = cli("run", tmp_path / "m.tflite", "--inputs", tmp_path / "x.npy", *arguments,
                                     "--check", "--output", tmp_path / "y.npy")
        assert status == 0 and "0 mismatches in all layers" in output, errors
        found.append(np.load(tmp_path / "y.npy"))
    assert (found[0] != found[1]).any() and (found[1] == found[2]).all()
    refused("run", model, "--inputs", files, "--stateful", match="--stateful must be of a network that keeps a state")


def two_ended(tmp_path, inputs):
    """A file of two outputs, and one or two inputs."""
    file = TfliteFile()
    x = [file.tensor((1, 4), "int8", 0.1) for _ in range(inputs)]
    sums = file.operator("ADD", [x[0], x[-1]], file.tensor((1, 4), "int8", 0.1), "AddOptions")
    clamped = file.operator("RELU", [x[0]], file.tensor((1, 4), "int8", 0.1))
    (tmp_path / "m.tflite").write_bytes(file.data(x, [sums, clamped]))
    (tmp_path / "x.dat").write_bytes(bytes(range(8)))
    (tmp_path / "labels.csv").write_text("x.dat,0\n")
    return tmp_path / "m.tflite", "--inputs", tmp_path / "x.dat"


def test_several_inputs_and_outputs_are_arrays_by_name(cli, refused, tmp_path):
    arguments, path = two_ended(tmp_path, 2), tmp_path / "x.npz"
    a, b = np.array([[[1, 2, 3, 4]], [[-5, 0, 5, 127]]], np.int8)
    # Runs are the first dimension; the network's batch of one may be left out.
    np.savez(path, t0=np.stack([a, b]), t1=np.stack([b[0], a[0]]))
    output = tmp_path / "y.npz"
    status, _, errors = cli("run", arguments[0], "--inputs", path, "--output", output, "--no-check")
    assert status == 0, errors
    with np.load(output) as arrays:
        found = dict(arrays)
    assert sorted(found) == ["t2", "t3"] and {array.dtype for array in found.values()} == {np.dtype(np.int8)}
    assert (found["t2"] == np.clip(a + b.astype(int), -128, 127)).all()
    assert (found["t3"] == np.maximum(np.stack([a, b]), 0)).all()
    refused("run", *arguments, match=r"^bitline: inputs of 2 tensors must be .npz files of arrays t0, t1, not x.dat$")
    np.savez(path, t0=a, other=b)
    refused("run", arguments[0], "--inputs", path, match="x.npz must hold arrays t0, t1, not t0, other$")
    np.savez(path, t0=np.stack([a, b]), t1=b)
    refused("run", arguments[0], "--inputs", path, match="x.npz must hold as many of each input, not 2, 1$")
    refused("analog", *arguments, "--out", tmp_path / "out", match="must have one input for a comparison, not 2")


def test_networks_of_several_outputs_run_but_give_none_apart(cli, refused, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    arguments = two_ended(tmp_path, 1)
    status, output, _ = cli("run", *arguments, "--check")
    assert status == 0 and "0 mismatches in all layers" in output
    for option in (("--output", tmp_path / "y.npy"), ("--labels", tmp_path / "labels.csv")):
        refused("run", *arguments, *option, match=f"network must have one output for {option[0]}")
    refused("analog", *arguments, "--out", tmp_path / "out", match="must have one output for a comparison, not 2")


def test_mismatch_is_reported_and_fails(cli, model, files, tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    original = TfliteReference.run

    def wrong(self, *inputs):
        found = original(self, *inputs)
        last = max(found)
        found[last][0, 0, 1] ^= 1
        return found

    monkeypatch.setattr(TfliteReference, "run", wrong)
    status, output, _ = cli("run", model, "--inputs", files, "--check", "--report", tmp_path / "out")
    assert status == 1
    assert re.search(r"operator 3 \(FULLY_CONNECTED\): 1 mismatches, the first at \[0, 0, 1\]: -?\d+, ref", output)
    assert "operator 3 (FULLY_CONNECTED): 1 mismatches" in (tmp_path / "out" / "report.html").read_text()


def test_stray_files_are_skipped_and_said(cli, model, files):
    (files / ".DS_Store").write_bytes(b"stray")
    (files / "Thumbs.db").write_bytes(b"stray")
    status, output, errors = cli("run", model, "--inputs", files, "--no-check")
    assert status == 0 and "\n4 inputs, 0 mismatches" in output
    assert errors.splitlines() == [f"bitline: {files / name} is no input, and is skipped"
                                   for name in (".DS_Store", "Thumbs.db")]
    # Who names a file wants it.
    status, _, errors = cli("run", model, "--inputs", files / ".DS_Store", "--no-check")
    assert status == 2 and ".DS_Store must hold inputs of 72 numbers" in errors


def test_mismatches_beyond_the_first_are_counted():
    lines = list_mismatches([Mismatch(f"layer {k}", k + 1, (0,), 1, 2) for k in range(23)])
    assert len(lines) == 21 and lines[19].startswith("layer 19: 20 mismatches")
    assert lines[20] == "and 3 more layers of inputs, with 66 mismatches"
    assert len(list_mismatches([Mismatch("layer", 1, (0,), 1, 2)] * 20)) == 20


def test_floats_are_quantized_when_asked(cli, model, tmp_path):
    integers = np.arange(-72, 72).reshape(2, 6, 6, 2)
    # A quarter of a step beside each integer; a half goes away from zero, as the runtime has it.
    np.save(tmp_path / "floats.npy", ((integers + 128) * np.float32(0.05) + np.float32(0.0125)).astype(np.float32))
    np.savez(tmp_path / "integers.npz", integers)
    found = []
    for arguments in (("floats.npy", "--quantize-inputs"), ("integers.npz",)):
        status, _, errors = cli("run", model, "--inputs", tmp_path / arguments[0], *arguments[1:], "--output",
                                tmp_path / "y.npy", "--no-check")
        assert status == 0, errors
        found.append(np.load(tmp_path / "y.npy"))
    assert found[0].dtype == np.int8 and found[0].shape == (2, 1, 3) and (found[0] == found[1]).all()


def test_the_array_of_the_only_input_has_its_name_or_none(cli, refused, model, tmp_path):
    x, name = np.zeros((1, 6, 6, 2), np.int8), load_network(model).tensors[0].name
    np.savez(tmp_path / "named.npz", **{name: x})
    assert cli("run", model, "--inputs", tmp_path / "named.npz", "--no-check")[0] == 0
    np.savez(tmp_path / "other.npz", labels=x)
    refused("run", model, "--inputs", tmp_path / "other.npz", match=f"must hold arrays {name}, not labels$")


@pytest.mark.parametrize("text", ["\ufeffa.dat,0\nb.dat,1\nc.npy,2\n", "a.dat, 3, 0\nb.dat, 3, 1\nc.npy, 3, 2\n"])
def test_labels_with_a_mark_or_with_the_number_of_classes(cli, model, files, tmp_path, text):
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    status, output, errors = cli("run", model, "--inputs", files, "--labels", tmp_path / "labels.csv", "--output",
                                 tmp_path / "y.npy", "--no-check")
    assert status == 0, errors
    right = (np.load(tmp_path / "y.npy")[:, 0].argmax(1) == [0, 1, 1, 2]).mean()
    assert f"accuracy {right:.2%}" in output


def test_windows_that_overlap(cli, model, tmp_path):
    values = np.arange(72 + 3 * 12, dtype=np.int8)
    (tmp_path / "x.dat").write_bytes(values.tobytes())
    np.save(tmp_path / "x.npy", np.stack([values[k:k + 72] for k in (0, 12, 24, 36)]).reshape(4, 1, 6, 6, 2))
    found = []
    for arguments in (("x.dat", "--step", 12), ("x.npy",)):
        cli("run", model, "--inputs", tmp_path / arguments[0], *arguments[1:], "--output", tmp_path / "y.npy",
            "--no-check")
        found.append(np.load(tmp_path / "y.npy"))
    assert len(found[0]) == 4 and (found[0] == found[1]).all()


def test_missing_packages_are_named(refused, model, files, tmp_path, monkeypatch):
    import bitline.scripts.common.files as module

    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    refused("run", model, "--inputs", files, "--report", tmp_path / "out",
            match=r"^bitline: matplotlib not found: pip install -e '.\[networks\]'$")
    refused("analog", "digits", "--out", tmp_path / "out", match=r"matplotlib not found: .*demo")


def test_bad_input_is_one_line(refused, model, files, tmp_path):
    def check(*arguments, match):
        refused("run", *arguments, "--report", tmp_path / "out", match=match)
        assert not (tmp_path / "out").exists()

    good = ("--inputs", files)
    check(tmp_path / "none.tflite", *good, match="none.tflite must be usable")
    check(files / "a.dat", *good, match="model must be one of .tflite.*, not a.dat")
    (tmp_path / "cut.tflite").write_bytes(model.read_bytes()[:400])
    check(tmp_path / "cut.tflite", *good, match="model must be a whole .tflite file, and cut.tflite is damaged")
    check(model, match="--inputs must name files, and is missing")
    (tmp_path / "short.dat").write_bytes(bytes(71))
    check(model, "--inputs", tmp_path / "short.dat", match=r"short.dat must hold inputs of 72 numbers \(1 x 6")
    np.save(tmp_path / "float.npy", np.zeros((1, 6, 6, 2)))
    check(model, "--inputs", tmp_path / "float.npy", match="float.npy must hold numbers of int8, not float64; --quant")
    np.save(tmp_path / "shape.npy", np.zeros((6, 2), dtype=int))
    check(model, "--inputs", tmp_path / "shape.npy", match=r"shape.npy must be of shape \[6, 6, 2\], or have one")
    (tmp_path / "text.csv").write_text(",".join("1234567890" * 3) + "\n1,2,3,4,5,6\n"[:13])
    check(model, "--inputs", tmp_path / "text.csv", match="text.csv must hold the bytes of numbers, and is text")
    np.save(tmp_path / "large.npy", np.full((1, 6, 6, 2), 128))
    check(model, "--inputs", tmp_path / "large.npy", match="large.npy must hold numbers from -128 to 127, not 128")
    os.mkfifo(tmp_path / "fifo.tflite")
    check(tmp_path / "fifo.tflite", *good, match="model must be a regular file, and .*fifo.tflite is not one")
    check(model, "--inputs", tmp_path / "fifo.tflite", match="inputs must be regular files, and .*fifo.tflite is not")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff")
    check(model, "--inputs", tmp_path / "broken.npy", match="broken.npy must be a .npy file of numbers")
    (tmp_path / "labels.csv").write_text("a.dat,zero\n")
    check(model, *good, "--labels", tmp_path / "labels.csv", match="labels must be lines of a file's name")
    (tmp_path / "labels.csv").write_text("a.dat,0\n")
    check(model, *good, "--labels", tmp_path / "labels.csv", match="does not name b.dat")
    (tmp_path / "labels.csv").write_text("a.dat,3,3\n")
    check(model, *good, "--labels", tmp_path / "labels.csv", match="has others: class 3 of 3")
    check(model, *good, "--rows", 8, "--columns", 8, "--weight-bits", 4,
          match=r"operator 0 \(CONV_2D\): weights must be from -8 to 7")
    check(model, *good, "--backend", "board", match="--port must be given with --backend board")
    check(model, *good, "--port", "/dev/null", match="--port must be given with --backend board")
    check(model, *good, "--backend", "board", "--port", tmp_path / "nothing", match="port .* must be a serial port")
    if importlib.util.find_spec("tflite_micro") is None:
        check(model, *good, "--runtime", "tflm", "--check", match="tflite-micro not found: pip install tflite-micro")
    check(model, *good, "--runtime", "onnx", match="runtime of model.tflite must be litert-2.3 or tflm, not onnx")
    check(model, *good, "--batch", 0, match="Invalid value for '--batch'")


@pytest.mark.parametrize("name", some(NETWORKS, 0))
def test_published_networks_run_by_one_command(cli, published, name, tmp_path):
    path, inputs = published(name)
    step = ("--step", 128) if name == "anomaly_detection" else ()
    status, output, errors = cli("run", path, "--inputs", path.parent / "inputs", *step, "--output",
                                 tmp_path / "y.npy")
    assert status == 0, errors
    assert len(np.load(tmp_path / "y.npy")) == len(inputs)
    assert f"\n{len(inputs):,} inputs, 0 mismatches of accumulators" in output
    assert "reference kernels: 0 mismatches in all layers" in output


def test_every_kind_of_problem_is_named():
    problems = Problems()
    for number in range(20):
        with problems.of(f"operator {number} (KIND{number})"):
            raise NetworkError(f"operator {number} (KIND{number}) must be another")
    with pytest.raises(NetworkError) as error:
        problems.refuse()
    assert all(f"operator {number} (KIND{number}) must be another" in str(error.value) for number in range(20))


def test_places_of_a_problem_without_a_number_are_named_whole():
    problems = Problems()
    for location in ("layout of a", "layout of b", "layout of c"):
        with problems.of(location):
            raise NetworkError(f"{location} must be another")
    with pytest.raises(NetworkError, match=r"^layout of a must be another \(3 times: also layout of b, layout of c\)$"):
        problems.refuse()


@pytest.mark.parametrize("limit, status", [(20, 0), (19, 2)])
def test_a_softmax_that_the_reference_kernels_do_not_bear_is_refused(cli, tmp_path, monkeypatch, limit, status):
    """With another limit, of a row that they do bear: of twenty equal values."""
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    monkeypatch.setattr("bitline.host.network.files.reference.MAX_EXPONENTIALS", limit)
    file = TfliteFile()
    x = file.tensor((1, 20), "int8", 0.1)
    y = file.operator("SOFTMAX", [x], file.tensor((1, 20), "int8", 1 / 256, -128), "SoftmaxOptions", Beta=1.0)
    (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
    np.save(tmp_path / "x.npy", np.zeros((2, 1, 20), np.int8))
    found, output, errors = cli("run", tmp_path / "m.tflite", "--inputs", tmp_path / "x.npy")
    assert found == status and ("no product to compare" in output) == (status == 0)
    assert (len(errors.splitlines()) == 1 and "exponentials whose sum is below 20" in errors) == (status == 2)
