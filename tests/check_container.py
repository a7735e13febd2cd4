"""The images of the Dockerfile, built and used as its first lines say. Run as `python -m tests.check_container [read|all]`.

Needs docker or buildah, and a package index. Where no registry can be reached, `--debian` makes the base of Debian's
own packages by debootstrap (root, and apt's mirror; Python 3.11): every step of the Dockerfile is then run all the same,
but the base is not the one that it names, so its size is told apart. `--volume` is handed on to the build, for
instance for the certificates of a mirror. Exit 1 if anything fails, or if the image for reading is too large.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.programs import ROOT

MOST_MB = 400  # of the image for reading, its base included
DEBIAN = "localhost/ocrlib-debian-python"
TREE = ROOT / "build" / "debian-python"
# Prints who it runs as, and the folders that it could write to, of those where only root may.
WHO = """
import os
places = ["/", "/usr", "/usr/local", "/usr/bin", "/etc", "/data"]
print(os.getuid(), [place for place in places if os.path.isdir(place) and os.access(place, os.W_OK)])
"""


def main() -> int:
    """Builds, measures, reads; prints a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=("read", "all"), default="read")
    parser.add_argument("--debian", action="store_true", help="a base of Debian's packages, by buildah and debootstrap")
    parser.add_argument("--volume", action="append", default=[], help="for the steps of the build, as buildah takes it")
    arguments = parser.parse_args()
    tool = chosen_tool(arguments.debian)
    base = {"base": debian_base()} if arguments.debian else {}
    image = f"localhost/ocrlib-{arguments.target}"
    build(tool, arguments.target, image, arguments.volume, **base)
    size = megabytes(tool, image)
    print(f"{image}: {size:.0f} MB" + (f", of them {megabytes(tool, DEBIAN):.0f} MB the base" if base else ""))
    use(tool, image, arguments.target)
    if arguments.target == "read" and size > MOST_MB:
        sys.exit(f"expected at most {MOST_MB} MB")
    return 0


def chosen_tool(debian: bool) -> str:
    """Returns docker where it answers and will do, else buildah; ends the program where there is neither."""
    if not debian and shutil.which("docker"):
        if not subprocess.run(["docker", "version"], capture_output=True).returncode:
            return "docker"
        print("docker is installed and does not answer")
    if shutil.which("buildah"):
        return "buildah"
    sys.exit("expected docker with its server, or buildah (`apt-get install buildah debootstrap`)")


def debian_base() -> str:
    """Returns the name of an image of Debian with Python and pip, which is made if it is not there."""
    if not ask(["buildah", "images", "--quiet", "--filter", f"reference={DEBIAN}"]).strip():
        if not TREE.exists():
            packages = "--include=python3,python3-pip,ca-certificates"
            subprocess.run(["debootstrap", "--variant=minbase", packages, "bookworm", TREE], check=True)
        for marker in TREE.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):  # Debian's wish that pip leaves its files alone
            marker.unlink()
        (TREE / "usr/bin/python").unlink(missing_ok=True)
        (TREE / "usr/bin/python").symlink_to("python3")
        for downloaded in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(TREE / downloaded)
            (TREE / downloaded / "partial").mkdir(parents=True)
        for not_slim in ("doc", "man", "info", "locale"):  # which the base that the Dockerfile names lacks, too
            shutil.rmtree(TREE / "usr/share" / not_slim, ignore_errors=True)
        container = ask(["buildah", "from", "scratch"]).strip()
        subprocess.run(["buildah", "copy", "--quiet", container, TREE, "/"], check=True, stdout=subprocess.DEVNULL)
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        subprocess.run(["buildah", "config", "--env", path, container], check=True)
        subprocess.run(["buildah", "commit", "--quiet", "--rm", container, DEBIAN], check=True)
    return DEBIAN


def build(tool: str, target: str, image: str, volumes: Sequence[str], base: str | None = None) -> None:
    """Builds a target of the Dockerfile."""
    command = [tool, "build", "--target", target, "--tag", image]
    if tool == "buildah":
        command += ["--isolation", "chroot", *(f"--volume={volume}" for volume in volumes)]
    if base is not None:
        command += ["--pull=never", "--build-arg", f"PYTHON={base}"]
    subprocess.run([*command, ROOT], check=True)


def megabytes(tool: str, image: str) -> float:
    """The size of an image with all its layers."""
    if tool == "docker":
        return int(ask(["docker", "image", "inspect", "--format", "{{.Size}}", image])) / 1e6
    container = ask(["buildah", "from", "--pull=never", image]).strip()
    mounted = ask(["buildah", "mount", container]).strip()
    size = int(ask(["du", "--summarize", "--bytes", "--one-file-system", mounted]).split()[0])
    subprocess.run(["buildah", "rm", container], check=True, stdout=subprocess.DEVNULL)
    return size / 1e6


def use(tool: str, image: str, target: str) -> None:
    """Reads the lines that come along, as the image's own user, with the command that the image names."""
    examples = ROOT / "examples"
    rows = inside(tool, image, ["predict", "--model", "numeric", "/data"], {examples: "/data"})
    read = dict(row.split("\t")[:2] for row in rows.splitlines())
    expected = {path.name: path.with_suffix(".gt.txt").read_text().strip() for path in examples.glob("*.png")}
    assert read == expected, (read, expected)
    user, writable = inside(tool, image, ["-c", WHO], {}, program="python").split(maxsplit=1)
    assert (user != "0", writable.strip()) == (True, "[]"), (user, writable)
    print(f"{image}: reads {len(read)} lines as user {user}, who can write to none of the system's folders")
    if target == "all":
        made = inside(tool, image, ["data", "datasets/numeric.toml", "--splits.train", "50", "--splits.val", "5",
                                    "--splits.test", "5", "--workers", "1"], {})  # fmt: skip
        print(f"{image}: {made.splitlines()[-1]}")


def inside(
    tool: str, image: str, arguments: Sequence[str], volumes: dict[Path, str], program: str | None = None
) -> str:
    """What the image's own command, or another program of it, prints."""
    mounts = [f"--volume={here}:{there}:ro" for here, there in volumes.items()]
    if tool == "docker":
        entry = [] if program is None else ["--entrypoint", program]
        return ask(["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", *mounts, *entry, image, *arguments])
    container = ask(["buildah", "from", "--pull=never", image]).strip()
    try:
        settings = json.loads(ask(["buildah", "inspect", container]))["OCIv1"]["config"]
        command = settings["Entrypoint"] if program is None else [program]
        return ask(["buildah", "run", "--isolation", "chroot", *mounts, container, "--", *command, *arguments])
    finally:
        subprocess.run(["buildah", "rm", container], check=True, stdout=subprocess.DEVNULL)


def ask(command: Sequence[object]) -> str:
    """What a program prints; ends this one where it fails."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
