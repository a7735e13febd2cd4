"""`python -m ocrlib COMMAND`: the list of all commands; each lies in a module of `commands`."""

import sys

import ocrlib
from ocrlib.arguments import Parser, run_main, split_overrides
from ocrlib.commands import data, dataset, evaluate, export, imports, language_model, predict, train, web
from ocrlib.invocation import command

# Commands whose settings by section and key are many: they read their arguments themselves.
_READS_ITSELF = {"data": data.make_data, "train": train.train_reader}

_INTERRUPTED = {
    "data": "run the same command again to go on from here",
    "train": "to go on, run the same command again, with --resume if the run folder exists",
}


def command_parser() -> Parser:
    """Returns the parser of all commands but `data` and `train`, of which it has the names alone."""
    parser = Parser(
        prog="ocrlib", description="Makes readers for lines of text, and reads with them.", epilog=_the_way()
    )
    parser.add_argument("--version", action="version", version=f"ocrlib {ocrlib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    data.add_commands(commands)
    commands.add_parser("data", help="make the dataset of a recipe; run again to resume")
    commands.add_parser("train", help="train a reader on datasets")
    for module in (predict, evaluate, language_model, export, dataset, imports, web):
        module.add_commands(commands)
    return parser


def main() -> int:
    """Arguments -> one of the commands."""
    if sys.argv[1:2] and sys.argv[1] in _READS_ITSELF:
        return _READS_ITSELF[sys.argv[1]](sys.argv[2:], f"ocrlib {sys.argv[1]}")
    # Of the commands only `import` has settings by section and key; elsewhere a point in an option is a mistake.
    argv, overrides = split_overrides(sys.argv[1:]) if sys.argv[1:2] == ["import"] else (sys.argv[1:], {})
    arguments = command_parser().parse_args(argv)
    if overrides:
        arguments.overrides = overrides
    return arguments.run(arguments)


def _the_way() -> str:
    """From nothing to text, for `--help`."""
    steps = (
        command("recipes"),
        command("data", "numeric"),
        command("train", "datasets/numeric", "--run", "runs/numeric"),
        command("predict", "--model", "runs/numeric", "FOLDER"),
    )
    return "\n  ".join(["the way from a recipe to a reader:", *steps])


def entry() -> None:
    """The console script `ocrlib`."""
    run_main(main, _INTERRUPTED.get(sys.argv[1] if sys.argv[1:] else "", "nothing was changed"))
