"""``bitline transformer``."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.program import MacroState, predict
from bitline.host.backends import Predicted
from bitline.host.transformer.file import to_arrays
from bitline.host.transformer.text import ALPHABET, standard_text, tokens_of
from bitline.host.transformer.training import train
from bitline.scripts.commands.networks import transformer as command
from transformers import drawn_transformer

MACRO = ("--rows", 16, "--columns", 16, "--banks", 2)


@pytest.fixture
def model(tmp_path):
    np.savez(tmp_path / "model.npz", **to_arrays(drawn_transformer(blocks=1)))
    return tmp_path / "model.npz"


def test_a_model_of_a_file_runs(cli, model, tmp_path):
    report = tmp_path / "report.json"
    status, output, errors = cli("transformer", model, "--prompt", "abc", "--decode", 5, *MACRO, "--report", report,
                                 "--errors")
    assert status == 0, errors
    found = json.loads(report.read_text())
    assert found["mismatches"] == 0 and found["text"].startswith("abc") and len(found["text"]) == 9
    assert found["text"] in output and "RMS norm" in output and "prompt: 3 tokens" in output
    for name, tokens in (("prompt", 3), ("decoding", 5)):
        phase = found["phases"][name]
        assert phase["tokens"] == tokens and 0 < phase["total"]["utilization"] < 1
        for field in ("predicted", "vectors", "rows", "work", "sums", "programs", "stream_cycles", "with_pauses"):
            assert phase["total"][field] == sum(row[field] for row in phase["parts"].values())
        for row in [*phase["parts"].values(), phase["total"]]:
            assert row["with_pauses"] == row["predicted"] + row["programs"] * found["pause"]
            assert row["utilization"] == row["work"] / (16 * 16 * row["predicted"])
            assert row["utilization_with_pauses"] == row["work"] / (16 * 16 * row["with_pauses"])
            # 16 weights of a byte are two beats of 64 bits, and each row takes a cycle more.
            assert row["stream_cycles"] == 3 * row["rows"]
    assert found["sums"] == sum(phase["total"]["sums"] for phase in found["phases"].values()) > 0


def test_a_prompt_alone_runs(cli, model):
    status, output, errors = cli("transformer", model, "--prompt", "Abc", "--decode", 0, *MACRO)
    assert status == 0 and "decoding" not in output, errors


def test_training_saves_what_runs_alike(cli, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("the cat sat on the mat, and the rat on the hat. " * 60)
    given = ("--prompt", "the cat", "--decode", 4, "--rows", 64, "--columns", 64, "--banks", 2)
    status, output, errors = cli("transformer", "--text", tmp_path / "text", "--steps", 3, "--save",
                                 tmp_path / "m.npz", *given)
    assert status == 0, errors
    for line in ("float: ", "integers: ", "counts of what follows 2 characters: ", "follows 3 characters: "):
        assert line in output
    again = cli("transformer", tmp_path / "m.npz", *given)
    assert again[0] == 0 and again[1].splitlines()[-1] == output.splitlines()[-1]


def test_a_mismatch_is_status_1(cli, model, monkeypatch):
    def play(self, program):
        outcome = predict(self.config, program)
        outcome.results.y[0, 0] += 1
        return outcome

    monkeypatch.setattr(Predicted, "play", play)
    status, output, _ = cli("transformer", model, "--prompt", "abc", "--decode", 1, *MACRO)
    assert status == 1 and " 0 mismatches" not in output


class OneCycleMore(Predicted):
    """What seems to be the RTL, and takes a cycle more than is predicted."""

    def __init__(self, config, **_):
        super().__init__(config)
        self.state = MacroState(config)

    def play(self, program):
        outcome = predict(self.config, program, self.state)
        return replace(outcome, cycles=outcome.cycles + 1)


def test_cycles_that_are_not_as_predicted_are_status_1(cli, model, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "RtlSession", OneCycleMore)
    given = ("transformer", model, "--prompt", "abc", "--decode", 1, *MACRO, "--report", tmp_path / "report.json")
    assert cli(*given, "--backend", "rtl")[0] == 1
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["mismatches"] == 0 and not found["cycles_as_predicted"]
    assert found["phases"]["prompt"]["total"]["cycles"] == found["phases"]["prompt"]["total"]["predicted"] + 9


def test_a_model_is_trained_on_one_part_of_a_text_and_asked_for_the_other(tmp_path, monkeypatch):
    (tmp_path / "text").write_text("ab" * 9000 + "cd" * 1000)
    seen = {}

    def trained(sizes, learned, **_):
        seen["learned"] = learned
        return train(sizes, learned, steps=1)

    def counted(learned, windows, *_):
        seen["counted"], seen["windows"] = learned, windows
        return np.zeros((*windows.shape, len(ALPHABET)))

    monkeypatch.setattr(command, "train", trained)
    monkeypatch.setattr(command.measure, "counted_logits", counted)
    _, found = command.made(tmp_path / "text", 1, 0)
    assert set(seen["learned"]) == set(seen["counted"]) == set(tokens_of("ab")) and len(seen["learned"]) == 18000
    assert set(seen["windows"].reshape(-1)) == set(tokens_of("cd"))
    assert found["characters_learned"] == 18000 and found["characters_predicted"] == seen["windows"].size


@pytest.mark.slow
def test_a_trained_transformer_runs_on_the_rtl(cli, tmp_path):
    report = tmp_path / "report.json"
    status, _, errors = cli("transformer", "--steps", 20, "--decode", 64, "--backend", "rtl", "--report", report)
    assert status == 0, errors
    found = json.loads(report.read_text())
    assert found["mismatches"] == 0 and found["cycles_as_predicted"]
    assert found["prompt_tokens"] == 16 and found["decoded_tokens"] == 64
    assert all(phase["total"]["cycles"] == phase["total"]["predicted"] for phase in found["phases"].values())


def test_the_standard_text_is_long_and_mostly_of_the_alphabet():
    tokens = tokens_of(standard_text())
    assert len(ALPHABET) == len(set(ALPHABET)) == 64 and len(tokens) > 100_000
    assert (tokens == 63).mean() < 0.01
    assert tokens_of("A \n\tb\x00").tolist() == [1, 0, 2, 63]


def test_bad_input_is_one_line(refused, model, tmp_path, monkeypatch):
    (tmp_path / "short").write_text("a")
    (tmp_path / "bytes").write_bytes(b"\xff" * 4000)
    np.save(tmp_path / "m.npy", np.zeros(3))
    np.savez(tmp_path / "m.npz", heads=np.int64(1))
    (tmp_path / "no.npz").write_text("no")
    np.savez_compressed(tmp_path / "zeros.npz", heads=np.zeros(1 << 14, np.int64))
    monkeypatch.setattr(command, "MAX_BYTES", 1 << 16)
    refused("transformer", tmp_path / "zeros.npz", match=r"must have at most 65536 bytes, and have 1312\d\d")
    refused("transformer", tmp_path / "none.npz", match="none.npz must be usable")
    refused("transformer", tmp_path / "no.npz", match="must be a .npz file of numbers")
    refused("transformer", tmp_path / "m.npy", match="must be an .npz file of a transformer")
    refused("transformer", tmp_path / "m.npz", match="must have an array 'blocks'")
    refused("transformer", "--text", tmp_path / "short", match="at least 1600 characters")
    refused("transformer", "--text", tmp_path / "bytes", match="text must be UTF-8")
    refused("transformer", "--text", tmp_path / "none", match="none must be usable")
    refused("transformer", "--text", "/dev/null", match="text must be a regular file, and /dev/null is not one")
    refused("transformer", tmp_path, match="model must be a regular file")
    refused("transformer", model, "--steps", 3, match="--steps must be without a model")
    refused("transformer", model, "--prompt", "xyz", match="text must have characters of 'abcdef', not 'x'")
    refused("transformer", model, "--prompt", "", match="not none")
    refused("transformer", model, "--prompt", "abc", "--decode", 8, match="must be at most 10, not 11")
    refused("transformer", model, "--prompt", "abc", "--decode", 1, "--rows", 8, "--columns", 8, "--input-bits", 4,
            match="input_bits must be at least 8")
    refused("transformer", model, "--report", tmp_path, match="must be a file, and is a folder")
