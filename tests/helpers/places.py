"""Where the repository is, and the published networks."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("BITLINE_MODELS", ROOT.parent / "shared" / "models"))
# Folder, model and shape of an input of each published network.
NETWORKS = {
    "keyword_spotting": ("kws_ref_model.tflite", (1, 49, 10, 1)),
    "image_classification": ("pretrainedResnet_quant.tflite", (1, 32, 32, 3)),
    "anomaly_detection": ("ad01_int8.tflite", (1, 640)),
}
