import os
from pathlib import Path

import numpy as np
import pytest
from bitline.scripts.main import main

ROOT = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("BITLINE_MODELS", ROOT.parent / "shared" / "models"))
# Folder, model and shape of an input of each published network.
NETWORKS = {
    "keyword_spotting": ("kws_ref_model.tflite", (1, 49, 10, 1)),
    "image_classification": ("pretrainedResnet_quant.tflite", (1, 32, 32, 3)),
    "anomaly_detection": ("ad01_int8.tflite", (1, 640)),
}


@pytest.fixture
def published():
    """Gives the path of a published network and its inputs, int8 (N, *shape), or skips the test."""

    def find(name):
        model, shape = NETWORKS[name]
        path = MODELS / name / model
        if not path.exists():
            pytest.skip(f"no published networks at {MODELS} (BITLINE_MODELS says where they are)")
        files = sorted((path.parent / "inputs").iterdir())
        data = [np.fromfile(file, np.int8) for file in files]
        if name == "anomaly_detection":
            # Windows of five frames of 128 bins.
            data = [np.lib.stride_tricks.sliding_window_view(values, 640)[::128] for values in data]
        return path, np.concatenate([values.reshape(-1, *shape) for values in data])

    return find


@pytest.fixture
def cli(capsys):
    """Runs the command in this process: its status, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def refused(cli):
    """Runs the command and expects one line that matches, and status 2."""

    def run(*arguments, match):
        import re

        status, _, errors = cli(*arguments)
        assert status == 2
        assert len(errors.splitlines()) == 1 and re.search(match, errors), errors
        assert "Traceback" not in errors

    return run
