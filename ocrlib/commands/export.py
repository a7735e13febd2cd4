"""`python -m ocrlib export`: a model for programs that have no Keras."""

import argparse
from pathlib import Path
from typing import Any

from ocrlib.arguments import whole_number
from ocrlib.commands.reading import add_trust
from ocrlib.errors import UserError
from ocrlib.extras import installed

EXPORTS = ("onnx", "rapidocr", "litert", "saved_model")  # as network.export.FORMATS has them


def add_commands(commands: Any) -> None:
    """Adds `export` to the commands of the parser."""
    command = commands.add_parser("export", help="write a model for other programs")
    command.add_argument("--model", required=True, help="a run folder, a .keras file, or a shipped model's name")
    command.add_argument("--format", choices=EXPORTS, default="onnx", help="(default: onnx)")
    command.add_argument("--out", type=Path, required=True, help="a new file that ends in .onnx, or a new folder")
    command.add_argument(
        "--width",
        type=whole_number(least=1),
        metavar="PIXELS",
        help="litert: of the longest line, which all are padded to (default: 320)",
    )
    command.add_argument("--int8", action="store_true", help="litert: weights of 8 bits, a third of the size")
    add_trust(command)
    command.set_defaults(run=export)


@installed("export")
def export(arguments: argparse.Namespace) -> int:
    """Writes a model for programs that have no Keras."""
    from ocrlib.network.export import WIDTH_PX, export_model

    if arguments.format != "litert" and (arguments.width is not None or arguments.int8):
        raise UserError("--width and --int8 are for --format litert")
    width_px = arguments.width or WIDTH_PX
    print(export_model(arguments.model, arguments.format, arguments.out, arguments.trust, width_px, arguments.int8))
    return 0
