"""What a training step costs in float32 and in bfloat16: processor time a line, for networks of several widths.

Processor time of the whole process, not wall time, so that other work on the machine matters less; median of the
steps. Lines of random pixels, as the cost does not depend on what stands in them.
"""

import argparse
import time
from statistics import median

import numpy as np

from ocrlib.backend import keras, tf
from ocrlib.charset import Charset
from ocrlib.network.crnn import build_crnn
from ocrlib.training.ctc_model import CTCModel
from ocrlib.training.precision import Precision

CHARSET = Charset("0123456789.,-/: ")
# encoder, stride, lines, pixels of width: a usual batch of numbers, and one of sentences
BATCHES = {"numbers": ("wide", 2, 64, 160), "sentences": ("dilated", 4, 24, 500)}
FILTERS = (2.0, 2.5, 4.0)


def cpu_ms_per_line(kind: str, filters: float, precision: Precision, num_steps: int) -> float:
    """Processor time of one line in a training step, in milliseconds."""
    encoder, stride, lines, width_px = BATCHES[kind]
    network = build_crnn(
        32, CHARSET.num_classes, encoder=encoder, stride=stride, filters=filters, charset=CHARSET.characters
    )
    model = CTCModel(network, CHARSET, precision)
    model.compile(optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=5.0), jit_compile=False)
    random = np.random.RandomState(0)
    batch = {
        "image": tf.constant(random.randint(0, 256, (lines, 32, width_px, 1)).astype(np.uint8)),
        "width": tf.fill([lines], width_px),
        "label": tf.constant(random.randint(0, 10, (lines, 8)).astype(np.int32)),
        "label_length": tf.fill([lines], 8),
        "id": tf.fill([lines], "line"),
    }
    step = tf.function(model.train_step, autograph=False)
    seconds = []
    for number in range(num_steps + 3):
        begin = time.process_time()
        step(batch)["loss"].numpy()
        if number >= 3:  # the first ones trace and warm up
            seconds.append(time.process_time() - begin)
    return median(seconds) / lines * 1e3


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    print(f"{'processor ms a line':28}{'float32':>10}{'bfloat16':>10}{'ratio':>8}")
    for kind, (encoder, *_) in BATCHES.items():
        for filters in FILTERS:
            full, half = (cpu_ms_per_line(kind, filters, p, arguments.steps) for p in ("float32", "bfloat16"))
            print(f"{f'{kind}, {encoder}, filters {filters:g}':28}{full:10.2f}{half:10.2f}{full / half:7.1f}x")


if __name__ == "__main__":
    main()
