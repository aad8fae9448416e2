"""Which version answers which clients: labels, the canary's share, and the way back.

The state is kept beside the push folder, `<push_dir>.traffic.json`; made from it is
`<push_dir>.config`, which TensorFlow Serving and the local server read and poll.
TensorFlow Serving itself splits no traffic: clients do, by the canary's percentage.
"""

from __future__ import annotations

import pathlib
import re
from typing import Annotated, Any

import pydantic
from pydantic import Field

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.rollout import model_server_config
from tfx_pipeline.storage.atomic_write import write_atomically

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LONGEST_HISTORY = 50


class _Frozen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class State(_Frozen):
    """Where labels point, and the percentage of requests that goes to the canary."""

    labels: dict[str, int] = {}
    canary_percent: Annotated[float, Field(ge=0, le=100)] = 0


class Traffic(_Frozen):
    """The traffic of one model.

    Attributes:
      model: its name.
      base_path: its push folder.
      state: now.
      history: the states before, newest last.
    """

    model: str
    base_path: str
    state: State = State()
    history: tuple[State, ...] = ()

    @property
    def file(self) -> pathlib.Path:
        return pathlib.Path(f"{self.base_path}.traffic.json")

    @property
    def config_file(self) -> pathlib.Path:
        """What a server reads."""
        return pathlib.Path(f"{self.base_path}.config")

    def versions(self) -> list[int]:
        """The pushed versions, oldest first."""
        names = pathlib.Path(self.base_path).glob("*/saved_model.pb")
        return sorted(int(path.parent.name) for path in names if path.parent.name.isdecimal())

    def promoted(self, version: int, label: str = STABLE) -> Traffic:
        """With the label on that version; a canary that becomes stable ends the trial.

        Raises:
          ConfigError: there is no such version, or the label is none.
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
        """With that version as the canary of so many percent of the requests.

        Raises:
          ConfigError: there is no such version, nothing is stable, or the
            percentage is none.
        """
        self._ensure_version(version)
        if not 0 <= percent <= 100:
            raise ConfigError(Problem("--percent", f"must be from 0 to 100, found {percent:g}"))
        if STABLE not in self.state.labels:
            remedy = "Say which version the others get: tfx-pipeline promote VERSION"
            raise ConfigError(Problem("canary", "no version is stable", remedy))
        if self.state.labels[STABLE] == version:
            raise ConfigError(Problem("canary", f"version {version} is the stable one"))
        labels = {**self.state.labels, CANARY: version}
        return self._changed(State(labels=labels, canary_percent=percent))

    def rolled_back(self) -> Traffic:
        """As it was before the last change.

        Raises:
          ConfigError: there was none, or a version of that time is gone.
        """
        if not self.history:
            raise ConfigError(f"nothing to roll back: the traffic of {self.model} never changed")
        before = self.history[-1]
        for version in before.labels.values():
            self._ensure_version(version)
        return self.model_copy(update={"state": before, "history": self.history[:-1]})

    def _changed(self, state: State) -> Traffic:
        history = (*self.history, self.state)[-_LONGEST_HISTORY:]
        return self.model_copy(update={"state": state, "history": history})

    def _ensure_version(self, version: int) -> None:
        known = self.versions()
        if version not in known:
            hint = did_you_mean(str(version), map(str, known[-12:]))
            hint = hint or f"Nothing was pushed to {self.base_path} yet."
            raise ConfigError(Problem(str(version), f"is no version of {self.model}", hint))

    def config(self, also: set[int] | frozenset[int] = frozenset()) -> Any:
        """The ModelServerConfig: the labelled versions, or the latest where there is no label.

        Args:
          also: versions to load besides.
        """
        result = model_server_config.single(self.model, self.base_path)
        model = result.model_config_list.config[0]
        if self.state.labels:
            wanted = sorted({*self.state.labels.values(), *also})
            model.model_version_policy.specific.versions.extend(wanted)
        for label, version in self.state.labels.items():
            model.version_labels[label] = version
        return result

    def write(self) -> None:
        """Writes state and configuration, each by rename."""
        write_atomically(self.file, self.model_dump_json(indent=1) + "\n")
        self.write_config()

    def write_config(self) -> None:
        """Writes what servers read."""
        model_server_config.write(self.config_file, self.config())


def load(model: str, base_path: str) -> Traffic:
    """The traffic of a model; where nothing was ever decided, all goes to the latest version.

    Raises:
      ConfigError: its file cannot be read.
    """
    empty = Traffic(model=model, base_path=str(pathlib.Path(base_path).resolve()))
    try:
        text = empty.file.read_text()
    except FileNotFoundError:
        return empty
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Problem(str(empty.file), f"cannot be read: {error}")) from error
    try:
        found = Traffic.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = f"cannot be read: {where}: {first['msg']}"
        raise ConfigError(Problem(str(empty.file), message, "Mend it or remove it.")) from error
    return found.model_copy(update={"model": model, "base_path": empty.base_path})
