"""Loads, swaps and unloads versions.

A new version is loaded and warmed before the old one stops receiving requests;
requests end on the version they began with; a version that cannot be loaded
displaces nothing and is tried again when its files change.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tfx_pipeline.errors import ServingError, did_you_mean
from tfx_pipeline.serving.local_server import versions
from tfx_pipeline.serving.local_server.version_state import (
    AVAILABLE,
    END,
    UNLOADING,
    Loaded,
    Model,
    fill_status,
)
from tfx_pipeline.serving.local_server.versions import Found
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

Load = Callable[[Loaded], Any]


class Manager:
    """The models of one server.

    Args:
      load: makes a servable of a version's folder and warms it; raises ServingError.
    """

    def __init__(self, load: Load):
        self._load = load
        self._models: dict[str, Model] = {}
        self._lock = threading.Condition()
        self._one_change = threading.Lock()
        self._stop = threading.Event()

    def configure(self, config: Any, *, strict_labels: bool = False) -> None:
        """Takes a ModelServerConfig over and loads what it names.

        Args:
          strict_labels: refuse labels for versions that are not available, as
            TensorFlow Serving does; else such a label waits for its version.

        Raises:
          ServingError: the config is wrong; nothing has changed then.
        """
        models = versions.check_config(config)
        with self._one_change:
            if strict_labels:
                versions.check_labels(models, self.available())
            with self._lock:
                gone = [m for name, m in self._models.items() if name not in models]
                self._models = {
                    name: dataclasses.replace(self._models[name], config=model, warned=False)
                    if name in self._models
                    else Model(model)
                    for name, model in models.items()
                }
            self._poll_all()
            for model in gone:
                self._unload(model, [*model.loaded])

    def poll(self) -> None:
        """Looks at the disk once: loads new versions, unloads those not wanted any more."""
        with self._one_change:
            self._poll_all()

    def poll_for_ever(self, seconds: float) -> None:
        """Polls until `stop` is called."""
        while not self.wait(seconds):
            try:
                self.poll()
            except Exception:  # one bad look must not be the last
                logging.exception("polling the file system failed")

    def wait(self, seconds: float) -> bool:
        """Waits, unless `stop` is called meanwhile or before: then it returns True."""
        return self._stop.wait(seconds)

    def stop(self) -> None:
        """Ends `poll_for_ever`."""
        self._stop.set()

    def _poll_all(self) -> None:
        for name, model in self._models.items():
            found = versions.find(model.config.base_path)
            if not found and not model.warned:
                what = "no versions" if found is not None else "there is no such folder to read"
                logging.warning(
                    "model %s: %s: %s. Versions are subfolders with numbers for names; "
                    "waiting for one",
                    name,
                    model.config.base_path,
                    what,
                )
                model.warned = True
            if found is not None:
                self._follow(name, model, found)
            self._move_labels(model)

    def _follow(self, name: str, model: Model, found: dict[int, Found]) -> None:
        wanted = versions.aspired(model.config.model_version_policy, found)
        for version in sorted(wanted & set(found)):
            self._ensure_loaded(name, model, version, found[version])
        available = model.available()
        failed = len(wanted - set(available))
        # A good version stays in the place of one that cannot be loaded.
        others = sorted(set(available) - wanted, reverse=True)
        kept = [version for version in others if version in found][:failed]
        self._unload(model, [v for v in model.loaded if v not in wanted and v not in kept])

    def _ensure_loaded(self, name: str, model: Model, version: int, found: Found) -> None:
        before = model.loaded.get(version)
        if before and (before.state == AVAILABLE or before.found == found):
            return
        one = Loaded(name, version, found)
        with self._lock:
            model.loaded[version] = one
        logging.info("model %s version %d: loading %s", name, version, found.path)
        began = time.monotonic()
        try:
            if found.stamp is None:
                raise ServingError("NOT_FOUND", f"{found.path} holds no SavedModel (yet)")
            one.servable = self._load(one)
        except ServingError as error:
            logging.error("model %s version %d cannot be loaded: %s", name, version, error)
            with self._lock:
                one.state, one.error = END, error
            return
        with self._lock:
            one.state = AVAILABLE
        seconds = time.monotonic() - began
        logging.info("model %s version %d: loaded in %.1f s", name, version, seconds)

    def _unload(self, model: Model, gone: list[int]) -> None:
        for version in gone:
            one = model.loaded[version]
            with self._lock:
                if one.state == AVAILABLE:
                    one.state = UNLOADING
                    self._lock.wait_for(lambda one=one: one.requests == 0)
                    one.servable.close()
                    one.servable, one.state = None, END
                    logging.info("model %s version %d: unloaded", one.model, version)
                del model.loaded[version]

    def _move_labels(self, model: Model) -> None:
        """A label stays where it was until the version it should move to can answer."""
        available = model.available()
        wanted = dict(model.config.version_labels)
        kept = {label: version for label, version in model.labels.items() if label in wanted}
        ready = {label: version for label, version in wanted.items() if version in available}
        with self._lock:
            model.labels = {**kept, **ready}

    def available(self) -> dict[str, set[int]]:
        """The versions that answer, by model."""
        with self._lock:
            return {name: set(model.available()) for name, model in self._models.items()}

    def knows(self, name: str) -> bool:
        return name in self._models

    @contextlib.contextmanager
    def acquire(self, spec: Any) -> Iterator[Loaded]:
        """The version that a ModelSpec asks for; it stays loaded meanwhile.

        Raises:
          ServingError: there is no such model, version or label.
        """
        with self._lock:
            one = self._find(spec)
            one.requests += 1
        try:
            yield one
        finally:
            with self._lock:
                one.requests -= 1
                self._lock.notify_all()

    def _find(self, spec: Any) -> Loaded:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        model = self._models.get(spec.name)
        available = model.available() if model else {}
        version = self._wanted_version(spec, model)
        if version is None and available:
            return available[max(available)]
        if version in available:
            return available[version]
        which = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        hint = "" if model else did_you_mean(spec.name, self._models)
        message = f"Servable not found for request: {which}"
        raise ServingError("NOT_FOUND", f"{message}. {hint}" if hint else message)

    def _wanted_version(self, spec: Any, model: Model | None) -> int | None:
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
        """The GetModelStatusResponse to a ModelSpec.

        Raises:
          ServingError: there is no such model or version.
        """
        response = protos.message("GetModelStatusResponse")()
        with self._lock:
            model = self._models.get(spec.name)
            loaded = model.loaded if model else {}
            version = self._wanted_version(spec, model)
            if version is None and not loaded:
                raise ServingError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
            if version is not None and version not in loaded:
                message = f"Could not find version {version} of model {spec.name}"
                raise ServingError("NOT_FOUND", message)
            for number in [version] if version is not None else sorted(loaded, reverse=True):
                fill_status(response.model_version_status.add(), loaded[number])
        return response
