"""The three steps: `begin` and `end` where TensorFlow is, `train` where the GPU is.

python -m ocrlib.pretrained.gpu begin datasets/display.toml begun.npz --encoder wide --stride 2 --filters 4
python -m ocrlib.pretrained.gpu train begun.npz datasets/display-large learned.npz --minutes 9
python -m ocrlib.pretrained.gpu end learned.npz datasets/display-large runs/pretrained-display
"""

from pathlib import Path

from ocrlib.arguments import Parser, run_main
from ocrlib.pretrained.gpu.arrays import from_recipe, read_arrays, write_arrays, write_run


def main() -> None:
    """Arguments -> one call."""
    parser = Parser(prog="python -m ocrlib.pretrained.gpu", description="Trains a network with PyTorch on a GPU.")
    steps = parser.add_subparsers(dest="step", required=True)
    begin = steps.add_parser("begin", help="an untrained network for the lines of a recipe")
    begin.add_argument("recipe", type=Path)
    begin.add_argument("out", type=Path)
    begin.add_argument("--encoder", default="wide")
    begin.add_argument("--stride", type=int, default=2)
    begin.add_argument("--filters", type=float, default=4)
    train = steps.add_parser("train", help="its training on the lines of a dataset, finished or growing")
    train.add_argument("begun", type=Path)
    train.add_argument("folder", type=Path)
    train.add_argument("out", type=Path)
    train.add_argument("--held", type=Path, help="a dataset whose validation split is read; without it, the same")
    train.add_argument("--minutes", type=float, default=9.0)
    train.add_argument("--learning-rate", type=float, default=2e-3)
    train.add_argument("--columns", type=int, default=100_000, help="pixels of width in a batch, all lines together")
    train.add_argument("--widest-first", type=int, help="pixels: begin with lines no wider; for sentences")
    train.add_argument("--unchanged", action="store_true", help="do not vary the lines each time they are seen")
    train.add_argument("--gigabytes", type=float, default=20.0, help="of the GPU's memory for lines")
    end = steps.add_parser("end", help="the weights as a run folder, for --init")
    end.add_argument("learned", type=Path)
    end.add_argument("dataset", type=Path, help="of the same recipe, for the margins of its lines and its fingerprint")
    end.add_argument("run", type=Path)
    arguments = parser.parse_args()
    if arguments.step == "begin":
        write_arrays(
            arguments.out,
            *from_recipe(arguments.recipe, arguments.encoder, arguments.stride, arguments.filters),
        )
    elif arguments.step == "end":
        write_run(*read_arrays(arguments.learned), arguments.dataset, arguments.run)
    else:
        from ocrlib.pretrained.gpu.train import Plan
        from ocrlib.pretrained.gpu.train import train as train_on_gpu

        plan = Plan(
            seconds=60 * arguments.minutes,
            learning_rate=arguments.learning_rate,
            columns=arguments.columns,
            widest_first=arguments.widest_first,
            changed=not arguments.unchanged,
            gigabytes=arguments.gigabytes,
        )
        train_on_gpu(arguments.begun, arguments.folder, arguments.held or arguments.folder, arguments.out, plan)


if __name__ == "__main__":
    run_main(main, "run the same step again")
