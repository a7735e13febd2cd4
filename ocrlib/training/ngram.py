"""Whether a run takes over the language model of what it started from: where validation lines are read no worse."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocrlib.batches.selection import SelectionConfig
from ocrlib.errors import UserError
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.network.open import NGRAM_ENDING, find_ngram
from ocrlib.reading.decoding.ngram import NGram
from ocrlib.reading.recognizer import NO_LANGUAGE_MODEL, Recognizer


def take_over_ngram(
    run: Path, init: str, datasets: Sequence[Path], selection: SelectionConfig
) -> dict[str, Any] | None:
    """Puts the language model of the start beside best.keras, unless the validation lines are read worse with it.

    A second call does the same as the first one.

    Args:
      run: folder with best.keras.
      init: what the training started from.
      datasets: that were learned from.
      selection: of their lines.

    Returns:
      Whether it was taken over, and the CER of the datasets' validation lines with it and without; None if the start
      has no language model, or none that can be used.
    """
    best = run / "best.keras"
    taken = best.with_suffix(NGRAM_ENDING)
    try:
        found = find_ngram(init)
        if found is None:
            return None
        network = Recognizer.load(str(best), language_model=NO_LANGUAGE_MODEL)
        ngram = NGram.load(found).for_charset(network.charset)
    except UserError as error:  # which a training of hours does not fail for
        print(f"language model of {init}: left out; {error}")
        return None
    edits, rates = {}, {}
    for way, recognizer in (("without", network), ("with", network.with_ngram(ngram))):
        measured = [evaluate_dataset(recognizer, folder, "val", selection) for folder in datasets]
        edits[way] = sum(figures["character_edits"] for figures in measured)
        rates[way] = edits[way] / max(1, sum(figures["characters"] for figures in measured))
    kept = edits["with"] <= edits["without"]
    if kept:
        ngram.save(taken)
    else:
        taken.unlink(missing_ok=True)
    print(
        f"language model of {init}: CER of the validation lines {rates['with']:.2%} with it, {rates['without']:.2%} "
        f"without; {'taken over' if kept else 'left out'}"
    )
    return {"kept": kept, "cer": rates["with"], "cer_without": rates["without"]}
