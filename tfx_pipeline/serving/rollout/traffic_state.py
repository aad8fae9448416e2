"""Which version receives which traffic: labels, the canary's share, and the history.

The state is in the file `<push_dir>.traffic.json`, beside the push folder. From it
`<push_dir>.config` is written, which TensorFlow Serving and the local server read and
poll. TensorFlow Serving itself does not split traffic: clients do, by the canary's
percentage. The push folder may be on an object store; the files are then there, too.
"""

from __future__ import annotations

import pathlib
import re
from typing import Annotated, Any

import pydantic
from pydantic import Field

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE, Split
from tfx_pipeline.serving.rollout import model_server_config
from tfx_pipeline.storage import files
from tfx_pipeline.storage.layout import is_remote

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_MAX_HISTORY = 50
_MARKER = "saved_model.pb"


class _Frozen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class State(_Frozen):
    """Which version each label points to, and the canary's percentage of the rows."""

    labels: dict[str, int] = {}
    canary_percent: Annotated[float, Field(ge=0, le=100)] = 0


class Traffic(_Frozen):
    """The traffic of one model. Methods that change it return a new object.

    Attributes:
      model: the model's name.
      base_path: its push folder.
      state: the state now.
      history: the states before, the newest one last.
    """

    model: str
    base_path: str
    state: State = State()
    history: tuple[State, ...] = ()

    @property
    def file(self) -> str:
        """The file that holds this object, a path or a URI."""
        return f"{self.base_path}.traffic.json"

    @property
    def config_file(self) -> str:
        """The ModelServerConfig that servers read, a path or a URI."""
        return f"{self.base_path}.config"

    def versions(self) -> list[int]:
        """Returns the pushed versions, the oldest first.

        Raises:
          OSError: an object store cannot be read.
        """
        if is_remote(self.base_path):
            names = [*files.subfolders(self.base_path, [_MARKER])]
        else:
            names = [path.parent.name for path in pathlib.Path(self.base_path).glob(f"*/{_MARKER}")]
        return sorted(int(name) for name in names if name.isdecimal())

    def split(self, key: str | None = None) -> Split:
        """Returns how clients divide the rows between stable and canary.

        Args:
          key: the column that decides; None is all columns of the row together.
        """
        has_canary = CANARY in self.state.labels
        return Split(self.state.canary_percent if has_canary else 0, key)

    def promoted(self, version: int, label: str = STABLE) -> Traffic:
        """Returns the traffic with a label on that version.

        If the canary becomes stable, there is no canary any more.

        Raises:
          ConfigError: there is no such version, or the label is not valid.
        """
        self._ensure_version(version)
        if not _LABEL.fullmatch(label):
            raise ConfigError(
                Problem("--label", f"must be letters, digits and . _ -, found {label!r}")
            )
        labels = {**self.state.labels, label: version}
        percent = self.state.canary_percent
        if label == STABLE and labels.get(CANARY) == version:
            del labels[CANARY]
            percent = 0
        return self._changed(State(labels=labels, canary_percent=percent))

    def with_canary(self, version: int, percent: float) -> Traffic:
        """Returns the traffic with that version as the canary.

        Args:
          version: a pushed version.
          percent: its percentage of the rows.

        Raises:
          ConfigError: there is no such version or no stable one, or the percentage is
            not from 0 to 100.
        """
        self._ensure_version(version)
        if not 0 <= percent <= 100:
            raise ConfigError(Problem("--percent", f"must be from 0 to 100, found {percent:g}"))
        if STABLE not in self.state.labels:
            remedy = "Choose the version for all other rows: tfx-pipeline promote VERSION"
            raise ConfigError(Problem("canary", "no version is stable", remedy))
        if self.state.labels[STABLE] == version:
            raise ConfigError(Problem("canary", f"version {version} is the stable version"))
        labels = {**self.state.labels, CANARY: version}
        return self._changed(State(labels=labels, canary_percent=percent))

    def rolled_back(self) -> Traffic:
        """Returns the traffic as it was before the last change.

        Raises:
          ConfigError: there was no change, or a version that had a label then was deleted.
        """
        if not self.history:
            raise ConfigError(
                f"nothing to roll back: the traffic of {self.model} was never changed"
            )
        before = self.history[-1]
        for version in before.labels.values():
            self._ensure_version(version)
        return self.model_copy(update={"state": before, "history": self.history[:-1]})

    def _changed(self, state: State) -> Traffic:
        history = (*self.history, self.state)[-_MAX_HISTORY:]
        return self.model_copy(update={"state": state, "history": history})

    def _ensure_version(self, version: int) -> None:
        known = self.versions()
        if version not in known:
            hint = did_you_mean(str(version), map(str, known[-12:]))
            hint = hint or f"Nothing was pushed to {self.base_path} yet."
            raise ConfigError(Problem(str(version), f"is not a version of {self.model}", hint))

    def config(self) -> Any:
        """Returns the ModelServerConfig: the labelled versions; without labels, the latest."""
        result = model_server_config.single(self.model, self.base_path)
        model = result.model_config_list.config[0]
        if self.state.labels:
            wanted = sorted({*self.state.labels.values()})
            model.model_version_policy.specific.versions.extend(wanted)
        for label, version in self.state.labels.items():
            model.version_labels[label] = version
        return result

    def write(self) -> None:
        """Writes the state, and the configuration that servers read.

        Raises:
          OSError: they cannot be written.
        """
        files.write(self.file, self.model_dump_json(indent=1) + "\n")
        self.write_config()

    def write_config(self) -> None:
        """Writes the configuration that servers read."""
        model_server_config.write(self.config_file, self.config())


def load(model: str, base_path: str) -> Traffic:
    """Returns the traffic of a model; if none was ever set, all goes to the latest version.

    Args:
      model: the model's name.
      base_path: its push folder, on this machine or an object store.

    Raises:
      ConfigError: the file of the traffic cannot be read.
    """
    where = base_path if is_remote(base_path) else str(pathlib.Path(base_path).resolve())
    empty = Traffic(model=model, base_path=files.absolute(where))
    try:
        text = files.read(empty.file).decode()
    except FileNotFoundError:
        return empty
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Problem(empty.file, f"cannot be read: {error}")) from error
    try:
        found = Traffic.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = f"cannot be read: {where}: {first['msg']}"
        raise ConfigError(Problem(empty.file, message, "Correct it or remove it.")) from error
    return found.model_copy(update={"model": model, "base_path": empty.base_path})
