"""The paths of a pipeline's files. No other module joins paths below `root`."""

from __future__ import annotations

import dataclasses
import pathlib
import re

_REMOTE = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")

LOCAL_HOME = ".tfx-pipeline"
"""The folder for the files of local runs when `root` is remote."""


def package_parent() -> pathlib.Path:
    """The folder that contains the package `tfx_pipeline`: a checkout or site-packages."""
    return pathlib.Path(__file__).resolve().parents[2]


def is_remote(path: str) -> bool:
    """Whether `path` begins with a file system's scheme, as in `s3://bucket/key`."""
    return bool(_REMOTE.match(path))


def join(folder: str, *names: str) -> str:
    """The path of `names` below a local or remote folder."""
    if is_remote(folder):
        return "/".join([folder.rstrip("/"), *names])
    return str(pathlib.Path(folder, *names))


def trials_folder(output: str) -> str:
    """The folder of a Tuner's trials: in the folder of the node, beside its outputs.

    Args:
      output: the path of an output artifact, `<node>/<output key>/<execution id>`.
    """
    return join(output.rstrip("/").rsplit("/", 2)[0], "trials")


@dataclasses.dataclass(frozen=True)
class Layout:
    """The folder `<root>/<pipeline name>/` and its contents.

    TFX adds one folder for each node, `<node>/<output key>/<execution id>`. If the root
    is remote, the files of local runs are stored below the working directory instead:
    databases and logs do not work on an object store.
    """

    root: str
    name: str

    @property
    def artifacts(self) -> str:
        """The folder of the nodes' artifacts; TFX calls it the pipeline's root."""
        return join(self.root, self.name)

    @property
    def home(self) -> pathlib.Path:
        """The folder on this machine."""
        if is_remote(self.root):
            scheme, _, path = self.root.partition("://")
            return pathlib.Path.cwd() / LOCAL_HOME / scheme / path.strip("/") / self.name
        return pathlib.Path(self.root) / self.name

    @property
    def metadata_db(self) -> pathlib.Path:
        """ML Metadata's database, if it is SQLite."""
        return self.home / "metadata.db"

    @property
    def runs(self) -> pathlib.Path:
        """The folder of the local runs."""
        return self.home / "runs"

    def run(self, run_id: str) -> RunLayout:
        """The folder of one local run."""
        return RunLayout(self.runs / run_id)

    def compiled(self, digest: str) -> str:
        """The path of a compiled pipeline that is too large for a command line."""
        return join(self.artifacts, "compiled", f"{digest}.pb")


@dataclasses.dataclass(frozen=True)
class RunLayout:
    """The folder `runs/<run id>/` of one local run."""

    folder: pathlib.Path

    @property
    def run_json(self) -> pathlib.Path:
        """The summary of the run."""
        return self.folder / "run.json"

    @property
    def report(self) -> pathlib.Path:
        """The report of the run."""
        return self.folder / "report.html"

    @property
    def tensorboard(self) -> pathlib.Path:
        """The folder with a link to the training logs of each trainer."""
        return self.folder / "tensorboard"

    @property
    def lock(self) -> pathlib.Path:
        """The file that is locked while a process executes the run."""
        return self.folder / "run.lock"

    @property
    def logs(self) -> pathlib.Path:
        """The folder of the logs."""
        return self.folder / "logs"

    @property
    def start_log(self) -> pathlib.Path:
        """The output of the whole run, if `tfx-pipeline ui` started it; locked like `lock`."""
        return self.logs / "start.log"

    def log(self, node: str) -> pathlib.Path:
        """The output of one node."""
        return self.logs / f"{node}.log"


@dataclasses.dataclass(frozen=True)
class CompiledLayout:
    """A folder that contains one compiled pipeline."""

    folder: pathlib.Path

    @property
    def ir(self) -> pathlib.Path:
        """TFX's intermediate representation of the pipeline."""
        return self.folder / "pipeline.pb"

    @property
    def manifest(self) -> pathlib.Path:
        """The manifest for orchestrators."""
        return self.folder / "manifest.json"

    @property
    def key(self) -> pathlib.Path:
        """The digest of everything the pipeline depends on."""
        return self.folder / "pipeline.key"


@dataclasses.dataclass(frozen=True)
class DagsLayout:
    """The files of one pipeline in Airflow's DAGs folder: `<name>_dag.py` and `<name>/`."""

    folder: pathlib.Path
    name: str

    @property
    def dag(self) -> pathlib.Path:
        """The DAG file."""
        return self.folder / f"{self.name}_dag.py"

    @property
    def compiled(self) -> pathlib.Path:
        """The folder of the compiled pipeline."""
        return self.folder / self.name

    @property
    def manifest(self) -> pathlib.Path:
        """The manifest for orchestrators."""
        return self.compiled / "manifest.json"

    def ir(self, sha256: str) -> pathlib.Path:
        """The IR with that digest; earlier ones are kept beside it."""
        return self.compiled / f"pipeline-{sha256[:12]}.pb"
