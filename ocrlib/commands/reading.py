"""What `predict` and `evaluate` can be told about the lines: patterns, lists, checks, and when to say nothing."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ocrlib.arguments import whole_number

MAX_TEXTS = 100
MODEL_HELP = "a run folder, a .keras or .onnx file, or the name of a model that comes with ocrlib"


def add_trust(command: argparse.ArgumentParser) -> None:
    """Adds the option that lets a model import code."""
    command.add_argument(
        "--trust", action="store_true", help="import the module that built the model, where that is code of your own"
    )


def add_known(command: argparse.ArgumentParser) -> None:
    """Adds the options to a command; docs/patterns.md tells more of them."""
    group = command.add_argument_group("what is known about the lines (docs/patterns.md)")
    group.add_argument(
        "--pattern",
        action="append",
        default=[],
        metavar="REGEX",
        help="a regular expression that a line matches whole; of several one must match; 'recipe' stands for those "
        "that the model was trained on",
    )
    group.add_argument("--lexicon", type=Path, metavar="FILE", help="every text there is, a line each, in UTF-8")
    group.add_argument("--charset", metavar="CHARACTERS", help="the only characters there are")
    group.add_argument(
        "--check",
        metavar="NAME",
        help="a check digit that is right: luhn, ean13, iban, isbn, vin, mrz, iso6346, or a module of python-stdnum",
    )
    group.add_argument(
        "--nbest",
        type=whole_number(1, MAX_TEXTS),
        default=1,
        metavar="K",
        help=f"the K most probable texts, up to {MAX_TEXTS}",
    )
    group.add_argument(
        "--min-confidence",
        type=_probability,
        metavar="P",
        help="leave the text empty where the confidence is below it, 0 to 1, or the line is of another kind than you "
        "say, and put the guess aside",
    )
    group.add_argument(
        "--beam",
        type=whole_number(1, 50),
        default=1,
        metavar="WIDTH",
        help="above 1: the most probable text, not that of the best path; slower, and the same for every width",
    )
    group.add_argument(
        "--language-model",
        default="auto",
        metavar="FILE",
        help="a file of `ocrlib language-model`, or 'none' (default: 'auto', that of the model, if it has one); not "
        "used with --pattern, --lexicon, --charset, --check, --nbest or --beam",
    )


def load_reader(arguments: argparse.Namespace) -> Any:
    """Returns the `Recognizer` of `--model` that knows what the options tell, and prints what the user should know.

    Raises:
      UserError: there is no such model, or no text is left that a line could be.
    """
    from ocrlib.reading.decoding.language import Known
    from ocrlib.reading.recognizer import Recognizer

    known = Known(
        patterns=tuple(arguments.pattern),
        lexicon=arguments.lexicon,
        characters=arguments.charset,
        check=arguments.check,
    )
    reader = Recognizer.load(
        arguments.model,
        known,
        arguments.nbest,
        arguments.beam > 1,
        arguments.trust,
        arguments.language_model,
    )
    for note in reader.notes:
        print(note, file=sys.stderr)
    return reader


def known_figures(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the options that were given, for a file of figures."""
    given = {
        "pattern": arguments.pattern,
        "lexicon": arguments.lexicon and str(arguments.lexicon),
        "charset": arguments.charset,
        "check": arguments.check,
    }
    return {"known": {name: value for name, value in given.items() if value}} if any(given.values()) else {}


def _probability(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, not {text!r}")
    return value
