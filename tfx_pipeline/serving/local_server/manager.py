"""Loads, replaces and unloads the versions of models.

A new version is loaded and warmed up before the old one stops receiving requests. A
request is finished by the version that it began with. A version that cannot be loaded
replaces nothing; it is tried again when its files change. Versions that were unloaded
are still reported, with the state END.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfx_pipeline.errors import ServingError, did_you_mean
from tfx_pipeline.serving.local_server import config_check
from tfx_pipeline.serving.local_server.served_model import (
    AVAILABLE,
    END,
    UNLOADING,
    ServedModel,
    ServedVersion,
    fill_status,
    unavailable_error,
)
from tfx_pipeline.serving.local_server.version_discovery import (
    VersionFolder,
    aspired_versions,
    find_versions,
)
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

_MAX_RETIRED_VERSIONS = 100
"""How many unloaded versions of a model are still reported."""


class Manager:
    """The models of one server.

    Args:
      load: returns the servable of a version, warmed up; may raise any exception.
    """

    def __init__(self, load: Callable[[ServedVersion], Any]):
        self._load = load
        self._models: dict[str, ServedModel] = {}
        self._removed: dict[str, ServedModel] = {}
        """Models that are no longer configured; their versions are still reported."""
        self._state_changed = threading.Condition()
        """Guards `_models` and what is in them; notified when a request ends."""
        self._change_lock = threading.Lock()
        """Held during a change of configuration or a poll, which may take seconds."""
        self._stopped = threading.Event()

    def configure(self, config: Any, *, strict_labels: bool = False) -> ServingError | None:
        """Replaces the configuration and loads the versions that it selects.

        Args:
          config: a ModelServerConfig.
          strict_labels: whether to refuse labels for versions that are not available,
            as TensorFlow Serving does; otherwise such a label waits for its version.

        Returns:
          The error, in TensorFlow Serving's words, if the configuration is in use but a
          new model did not become available; else None.

        Raises:
          ServingError: the configuration is not valid; nothing has changed.
        """
        models = config_check.check_models(config)
        with self._change_lock:
            if strict_labels:
                config_check.check_labels(models, self.available_versions())
            added = [name for name in models if name not in self._models]
            with self._state_changed:
                known = {**self._removed, **self._models}
                self._models = {
                    name: dataclasses.replace(known[name], config=model, warned=False)
                    if name in known
                    else ServedModel(model)
                    for name, model in models.items()
                }
                self._removed = {
                    name: dataclasses.replace(model, labels={})
                    for name, model in known.items()
                    if name not in models
                }
            self._poll_models()
            for model in self._removed.values():
                self._unload(model, model.versions)
            return unavailable_error(self._models[name] for name in added)

    def poll(self) -> None:
        """Reads the file system once: loads new versions, unloads unselected ones."""
        with self._change_lock:
            self._poll_models()

    def poll_until_stopped(self, seconds: float) -> None:
        """Polls with pauses of so many seconds until `stop` is called."""
        while not self.wait_for_stop(seconds):
            try:
                self.poll()
            except Exception:  # keep polling after an unexpected error
                logging.exception("polling the file system failed")

    def wait_for_stop(self, seconds: float) -> bool:
        """Waits so many seconds; returns True at once when `stop` is called."""
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """Ends `poll_until_stopped`."""
        self._stopped.set()

    def _poll_models(self) -> None:
        for name, model in self._models.items():
            found = find_versions(model.config.base_path)
            if not found and not model.warned:
                logging.warning(
                    "model %s: %s: %s. Versions are subfolders with numbers as names; "
                    "waiting for one",
                    name,
                    model.config.base_path,
                    "no versions" if found is not None else "the folder cannot be read",
                )
                model.warned = True
            removed = [] if found is None else self._load_versions(name, model, found)
            # First the labels, so that no label points to a version that is being unloaded.
            self._update_labels(model, removed)
            self._unload(model, removed)

    def _load_versions(
        self, name: str, model: ServedModel, found: dict[int, VersionFolder]
    ) -> list[int]:
        """Loads the versions that the policy selects; returns those to unload."""
        aspired = aspired_versions(model.config.model_version_policy, found)
        for version in sorted(aspired & set(found)):
            self._ensure_loaded(name, model, version, found[version])
        available = model.available()
        failed = len(aspired - set(available))
        # For each version that cannot be loaded, an available one is kept.
        others = sorted(set(available) - aspired, reverse=True)
        kept = [version for version in others if version in found][:failed]
        return [
            version
            for version, served in model.versions.items()
            if not (served.is_retired or version in aspired or version in kept)
        ]

    def _ensure_loaded(
        self, name: str, model: ServedModel, version: int, folder: VersionFolder
    ) -> None:
        before = model.versions.get(version)
        is_current = before and (before.state == AVAILABLE or before.folder == folder)
        if before and is_current and not before.is_retired:
            return
        served = ServedVersion(name, version, folder)
        with self._state_changed:
            model.versions[version] = served
        logging.info("model %s version %d: loading %s", name, version, folder.path)
        start = time.monotonic()
        try:
            if folder.fingerprint is None:
                raise ServingError("NOT_FOUND", f"{folder.path} contains no SavedModel (yet)")
            servable = self._load(served)
        except Exception as error:
            if not isinstance(error, ServingError):  # unexpected, but the others are served
                logging.exception("model %s version %d", name, version)
                error = ServingError("INTERNAL", f"{type(error).__name__}: {error}")
            logging.error("model %s version %d cannot be loaded: %s", name, version, error)
            with self._state_changed:
                served.state, served.error = END, error
            return
        with self._state_changed:
            served.servable, served.state = servable, AVAILABLE
        seconds = time.monotonic() - start
        logging.info("model %s version %d: loaded in %.1f s", name, version, seconds)

    def _unload(self, model: ServedModel, versions: Iterable[int]) -> None:
        """Makes versions unavailable; each is closed when its last request has ended."""
        for version in versions:
            served = model.versions[version]
            with self._state_changed:
                served.is_retired = True
                if served.state != AVAILABLE:
                    continue
                served.state = UNLOADING
                is_busy = served.requests > 0
            if is_busy:  # its requests must not delay other changes
                threading.Thread(target=self._close, args=[served], daemon=True).start()
            else:
                self._close(served)
        retired = [version for version, served in model.versions.items() if served.is_retired]
        with self._state_changed:
            for version in retired[:-_MAX_RETIRED_VERSIONS]:
                del model.versions[version]

    def _close(self, served: ServedVersion) -> None:
        with self._state_changed:
            while served.requests:
                self._state_changed.wait()
        try:
            served.servable.close()
        except Exception:  # it receives no more requests, so the server continues
            logging.exception("model %s version %d", served.model, served.version)
        with self._state_changed:
            served.servable, served.state = None, END
        logging.info("model %s version %d: unloaded", served.model, served.version)

    def _update_labels(self, model: ServedModel, removed: list[int]) -> None:
        """Moves each label once its new version is available; until then it stays."""
        available = set(model.available()) - set(removed)
        wanted = dict(model.config.version_labels)
        old = {label: version for label, version in model.labels.items() if label in wanted}
        new = {label: version for label, version in wanted.items() if version in available}
        with self._state_changed:
            model.labels = {**old, **new}

    def available_versions(self) -> dict[str, set[int]]:
        """Returns the versions that can process requests, by model."""
        with self._state_changed:
            return {name: set(model.available()) for name, model in self._models.items()}

    def has_model(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._models

    @contextlib.contextmanager
    def acquire(self, spec: Any) -> Iterator[ServedVersion]:
        """Yields the version that a ModelSpec names, and keeps it loaded until the end.

        Raises:
          ServingError: there is no such model, version or label.
        """
        with self._state_changed:
            served = self._find(spec)
            served.requests += 1
        try:
            yield served
        finally:
            with self._state_changed:
                served.requests -= 1
                self._state_changed.notify_all()

    def _find(self, spec: Any) -> ServedVersion:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        model = self._models.get(spec.name)
        available = model.available() if model else {}
        version = self._requested_version(spec, model)
        if version is None and available:
            return available[max(available)]
        if version is not None and version in available:
            return available[version]
        which = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        hint = "" if model else did_you_mean(spec.name, self._models)
        message = f"Servable not found for request: {which}"
        raise ServingError("NOT_FOUND", f"{message}. {hint}" if hint else message)

    def _requested_version(self, spec: Any, model: ServedModel | None) -> int | None:
        """Returns the version that a ModelSpec names by number or label; None for the latest."""
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            labels = model.labels if model else {}
            if spec.version_label not in labels:
                hint = did_you_mean(spec.version_label, labels)
                message = f"Unrecognized servable version label: {spec.version_label}"
                raise invalid(f"{message}. {hint}" if hint else message)
            return labels[spec.version_label]
        return spec.version.value if choice else None

    def status(self, spec: Any) -> Any:
        """Returns the GetModelStatusResponse for a ModelSpec.

        Raises:
          ServingError: there is no such model or version.
        """
        response = protos.message("GetModelStatusResponse")()
        with self._state_changed:
            model = self._models.get(spec.name) or self._removed.get(spec.name)
            versions = model.versions if model else {}
            version = self._requested_version(spec, model)
            if version is None and not versions:
                raise ServingError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
            if version is not None and version not in versions:
                message = f"Could not find version {version} of model {spec.name}"
                raise ServingError("NOT_FOUND", message)
            for number in [version] if version is not None else sorted(versions, reverse=True):
                fill_status(response.model_version_status.add(), versions[number])
        return response
