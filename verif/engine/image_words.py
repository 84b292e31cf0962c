"""Images as an engine is loaded: words, each with its section, item and place in the item."""

import struct

import numpy as np

from ...golden.engine.descriptor import SIZE
from ...hdl.engine.control.image_words import Section


def image_words(config, image):
    """Words of an `Image`, each as (section, item, part, word), without those of the activation memory.

    Rows of tiles are none of them if they come through a ``weight_port``.
    """
    for number, descriptor in enumerate(image.program):
        for part, word in enumerate(struct.unpack(f"<{SIZE // 4}I", descriptor.to_bytes())):
            yield Section.PROGRAM.value, number, part, word
    for number, load in enumerate(image.loads):
        yield Section.LOADS.value, number, 0, load.to_int()
    for number, row in enumerate([] if config.weight_port else image.tiles):
        for part, word in enumerate(np.frombuffer(row.tobytes(), "<u4").tolist()):
            yield Section.TILES.value, number, part, word
    for number, one in enumerate(image.parameters.reshape(-1)):
        for part, word in enumerate(struct.unpack("<3I", one.tobytes())):
            yield Section.PARAMETERS.value, number, part, word
