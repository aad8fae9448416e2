"""Builds the Dockerfile's root file system without Docker, and executes a node in it.

    sudo .venv/bin/python scripts/check_image.py FOLDER [--line 1.16] [--gpu]

Where no container runtime is at hand: `debootstrap` makes the base, Debian's Python 3.13
(or this machine's 3.10, for the older line) stands in for the Python of the base image,
and the Dockerfile's own steps run in it with chroot, in their order, under their users.
Needs root, Debian, 6 GB and some minutes; with `--gpu` 20 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
BASES = {
    "1.16": (
        "bookworm",
        "ca-certificates,libbz2-1.0,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,zlib1g",
    ),
    "1.21": ("trixie", "ca-certificates,python3,python3-dev,python3-venv"),
}
"""For each line of TFX, Debian's version and the packages that its Python is made of."""

OWN_CODE = """
from tfx_pipeline.user_code.code_digest import code_digests
found = code_digests("modules.trainer.run_fn")
missing = {"modules.trainer", "modules.model", "tfx_pipeline.modeling.training"} - {*found}
assert not missing, f"the cache does not see {missing}"
"""
"""The cache sees the project's code and the installed library's."""
CUDA = """
import ctypes
for name in ("cudart", "cublas", "cublasLt", "cufft", "cusolver", "cusparse", "cudnn"):
    found = []
    for version in range(8, 14):
        try:
            found.append(ctypes.CDLL(f"lib{name}.so.{version}"))
        except OSError:
            pass
    assert found, f"lib{name} cannot be loaded"
"""
"""The libraries that TensorFlow loads by name where there is a GPU."""
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR")
BINARIES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def filled(text: str, line: str, gpu: bool = False) -> str:
    """A part of an instruction with the values of the build arguments."""
    return text.replace("${TFX_LINE}", line).replace("${GPU:+-gpu}", "-gpu" if gpu else "")


def instructions(text: str) -> list[tuple[str, str]]:
    """The Dockerfile's instructions: pairs of a name and its arguments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), rest.strip()) for name, _, rest in pairs]


class Root:
    """One stage's root file system."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.env = {"PATH": BINARIES, "HOME": "/root", "LANG": "C.UTF-8"}
        self.workdir, self.user = "/", "0:0"

    def make(self, base: pathlib.Path) -> None:
        """A copy of the base."""
        subprocess.run(["cp", "-a", str(base), str(self.folder)], check=True)

    def run(self, *command: str) -> None:
        """Runs a command inside, as the user and in the folder of the moment."""
        variables = [f"{name}={value}" for name, value in self.env.items()]
        shell = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(command)}"
        chroot = ["chroot", f"--userspec={self.user}", str(self.folder), "/usr/bin/env", "-i"]
        subprocess.run([*chroot, *variables, "/bin/sh", "-c", shell], check=True)

    def path(self, inside: str) -> pathlib.Path:
        return self.folder / os.path.join(self.workdir, inside).lstrip("/")


def make_base(folder: pathlib.Path, line: str) -> None:
    """Debian with a Python that PATH finds as `python`."""
    suite, packages = BASES[line]
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    python = pathlib.Path("/usr/bin/python3")
    if line == "1.16":
        prefix = pathlib.Path(sys.base_prefix)
        python = prefix / "bin" / "python3.10"
        shutil.copytree(prefix, folder / str(prefix).lstrip("/"), symlinks=True)
        _open_parents(folder / str(prefix).lstrip("/"), folder)
    for name in ("python", "python3"):
        (folder / "usr/local/bin" / name).symlink_to(python)
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(name, folder / name.lstrip("/"))
    # Where a proxy stands in front of the registry, its certificate is among these.
    certificates = folder / "etc/ssl/certs"
    shutil.rmtree(certificates)
    shutil.copytree("/etc/ssl/certs", certificates)
    os.chmod(folder, 0o755)


def _open_parents(path: pathlib.Path, top: pathlib.Path) -> None:
    """Lets users other than root pass through the folders above `path`."""
    while path != top:
        path.chmod(path.stat().st_mode | 0o055)
        path = path.parent


def build(folder: pathlib.Path, line: str, gpu: bool) -> Root:
    """Runs the Dockerfile's steps for a line of TFX; returns the last stage."""
    base = folder / f"base-{line}"
    if not base.exists():
        make_base(base, line)
    stages: dict[str, Root] = {}
    root = Root(base)
    for name, text in instructions((PROJECT / "Dockerfile").read_text()):
        rest = filled(text, line, gpu)
        print(f"{name} {rest}"[:100], flush=True)
        if name == "FROM":
            image, _, label = rest.partition(" AS ")
            if image.startswith("python:"):  # `base` stands in for it
                continue
            root = stages[label or "final"] = Root(folder / (label or "final"))
            root.make(base)
            root.env |= {k: v for k, v in os.environ.items() if k in _CERTIFICATES}
        else:
            _step(root, stages, name, rest)
    return root


def _step(root: Root, stages: dict[str, Root], name: str, rest: str) -> None:
    if name == "RUN":
        root.run("/bin/sh", "-c", rest)
    elif name == "COPY":
        _copy_step(root, stages, rest)
    elif name == "WORKDIR":
        root.workdir = rest
        root.path("").mkdir(parents=True, exist_ok=True)
    elif name == "USER":
        root.user = rest
    elif name == "ENV":
        pairs = (part.partition("=") for part in shlex.split(rest))
        root.env |= {k: v.replace("$PATH", root.env["PATH"]) for k, _, v in pairs}
    elif name == "ENTRYPOINT":
        root.entrypoint = json.loads(rest)


def _copy_step(root: Root, stages: dict[str, Root], rest: str) -> None:
    words = shlex.split(rest)
    options = dict(w[2:].split("=", 1) for w in words if w.startswith("--"))
    *sources, target = (word for word in words if not word.startswith("--"))
    origin = stages[options["from"]].folder if "from" in options else PROJECT
    for source in sources:
        place = origin / source.lstrip("/")
        end = root.path(target)
        end = end / place.name if target.endswith("/") else end
        command = ["cp", "-a", "-T", str(place), str(end)]
        subprocess.run(["mkdir", "-p", str(end.parent)], check=True)
        subprocess.run(command, check=True)
        if "chown" in options:
            subprocess.run(["chown", "-R", options["chown"], str(end)], check=True)


def check(root: Root) -> None:
    """Executes a node as the image's user, with its entry point."""
    compiled = root.folder / "tmp" / "pipeline.pb"
    program = (
        "import sys; from tfx_pipeline import compile_pipeline, load_config; "
        "c = load_config('pipeline.yaml', root='/tmp/runs'); "
        "open('/tmp/pipeline.pb', 'wb').write(compile_pipeline(c).ir)"
    )
    root.run("python", "-c", program)
    assert compiled.exists()
    root.run("python", "-c", OWN_CODE)
    options = ["--pipeline", "/tmp/pipeline.pb", "--node", "ExampleGen", "--run-id", "one"]
    root.run(*root.entrypoint, *options)
    owner = (root.folder / "tmp/runs").stat().st_uid
    assert owner == int(root.user.partition(":")[0]), f"the node ran as user {owner}"
    size = subprocess.run(["du", "-sh", str(root.folder)], capture_output=True, text=True)
    print(f"a node executed in the image's file system of {size.stdout.split()[0]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--line", choices=sorted(BASES), default="1.21", help="of TFX")
    parser.add_argument("--gpu", action="store_true", help="with the libraries of CUDA")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.chmod(arguments.folder, 0o755)
    root = build(arguments.folder, arguments.line, arguments.gpu)
    if arguments.gpu:
        root.run("python", "-c", CUDA)
    check(root)
