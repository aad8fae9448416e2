"""BaselineResolver: the model that a new one is compared with.

TFX's own strategy resolves the latest blessed model. If nothing has changed, this is
the model of the cached Trainer, which is also the candidate: the Evaluator would run
again and compare a model with itself. Here a candidate is never its own baseline, so an
unchanged run resolves the same baseline as the run before.

The Evaluator does not wait for the export check, and may bless a model that cannot be
served. So a baseline needs the blessings of both.

ML Metadata is asked for the newest blessings first. TFX's strategies receive the artifacts
of all runs; with thousands of runs, reading them takes longer than a whole cached run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts

from tfx_pipeline.compat.resolver_nodes import replace_outputs
from tfx_pipeline.metadata.memberships import PIPELINE_CONTEXT
from tfx_pipeline.metadata.newest import newest_artifacts, newest_producer

_MODEL, _BLESSING, _CANDIDATE = "model", "model_blessing", "candidate"


class BaselineStrategy(resolver.ResolverStrategy):
    """The latest model that Evaluator and export check blessed and that is not the candidate."""

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Resolves `model` and `model_blessing`; both are empty if there is no baseline.

        Args:
          store: ML Metadata.
          input_dict: `candidate` has the model of this run.
        """
        candidates = [artifact.id for artifact in input_dict[_CANDIDATE]]
        pipeline = pipeline_of(store, candidates)
        if pipeline is not None:
            found = newest_blessed(store, pipeline, candidates)
            if found is not None:
                model, blessing = found
                return {
                    _MODEL: [as_tfx_artifact(store, model)],
                    _BLESSING: [as_tfx_artifact(store, blessing)],
                }
        return {_MODEL: [], _BLESSING: []}


def newest_blessed(
    store: ml_metadata.MetadataStore, pipeline: int, candidates: Collection[int]
) -> tuple[pb.Artifact, pb.Artifact] | None:
    """The newest model that is blessed and still there, with its blessing.

    Args:
      store: ML Metadata.
      pipeline: the id of the pipeline's context.
      candidates: models that do not count.
    """
    checks = _ExportChecks(store, pipeline)
    for blessing in _newest(store, pipeline, standard_artifacts.ModelBlessing):
        model_id = _model_id(blessing) if _is_blessed(blessing) else None
        if model_id is None or model_id in candidates or not checks.blessed(model_id):
            continue
        model = _live_model(store, model_id)
        if model is None or not _all_made_in(store, pipeline, [model, blessing]):
            continue
        if fileio.exists(model.uri):  # the files of old models may have been deleted
            return model, blessing
    return None


def pipeline_of(store: ml_metadata.MetadataStore, candidates: Iterable[int]) -> int | None:
    """The id of the pipeline's context: the candidate has just been made, or cached, in it."""
    for candidate in candidates:
        execution = newest_producer(store, candidate)
        if execution is not None:
            contexts = store.get_contexts_by_execution(execution.id)
            return next((c.id for c in contexts if c.type == PIPELINE_CONTEXT), None)
    return None


def _newest(
    store: ml_metadata.MetadataStore, pipeline: int, kind: type[types.Artifact]
) -> Iterator[pb.Artifact]:
    """The live artifacts of a type that the pipeline's nodes have made or read, newest first."""
    return newest_artifacts(store, pipeline, str(kind.TYPE_NAME))


def _all_made_in(
    store: ml_metadata.MetadataStore, pipeline: int, artifacts: Iterable[pb.Artifact]
) -> bool:
    return all(newest_producer(store, artifact.id, pipeline) for artifact in artifacts)


def _live_model(store: ml_metadata.MetadataStore, model_id: int) -> pb.Artifact | None:
    for artifact in store.get_artifacts_by_id([model_id]):
        is_model = artifact.type == standard_artifacts.Model.TYPE_NAME
        if is_model and artifact.state == pb.Artifact.LIVE:
            return artifact
    return None


def as_tfx_artifact(store: ml_metadata.MetadataStore, artifact: pb.Artifact) -> types.Artifact:
    """The artifact as TFX hands it to nodes."""
    (kind,) = store.get_artifact_types_by_id([artifact.type_id])
    return artifact_utils.deserialize_artifact(kind, artifact)


def _is_blessed(blessing: pb.Artifact) -> bool:
    key = constants.ARTIFACT_PROPERTY_BLESSED_KEY
    return bool(blessing.custom_properties[key].int_value == 1)


def _model_id(blessing: pb.Artifact) -> int | None:
    key = constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    return blessing.custom_properties[key].int_value or None


class _ExportChecks:
    """What the export check has said last of each model; its blessings are read as needed."""

    def __init__(self, store: ml_metadata.MetadataStore, pipeline: int) -> None:
        self._store, self._pipeline = store, pipeline
        self._unread = _newest(store, pipeline, standard_artifacts.InfraBlessing)
        self._read: dict[int | None, list[pb.Artifact]] = {}

    def blessed(self, model_id: int) -> bool:
        """Whether the newest blessing of that model is positive; False if there is none."""
        for blessing in self._of(model_id):
            if _all_made_in(self._store, self._pipeline, [blessing]):
                return _is_blessed(blessing)
        return False

    def _of(self, model_id: int) -> Iterator[pb.Artifact]:
        yield from self._read.get(model_id, ())
        for blessing in self._unread:
            found = _model_id(blessing) or _model_by_lineage(self._store, blessing.id)
            self._read.setdefault(found, []).append(blessing)
            if found == model_id:
                yield blessing


def _model_by_lineage(store: ml_metadata.MetadataStore, blessing: int) -> int | None:
    """The id of the model that the execution which made a blessing has read.

    TFX's InfraValidator does not name the model, nor did earlier versions of the export check.
    """
    execution = newest_producer(store, blessing)
    if execution is not None:
        for event in store.get_events_by_execution_ids([execution.id]):
            if event.type == pb.Event.INPUT and any(s.key == _MODEL for s in event.path.steps):
                return int(event.artifact_id)
    return None


class BaselineResolver(resolver.Resolver):
    """Resolves the baseline of a candidate; runs after the Trainer.

    The pipeline needs an ExportCheck or TFX's InfraValidator: a model without their
    blessing is not used as a baseline.

    Args:
      model: the candidate.

    Outputs: `model` and `model_blessing`, both empty if there is no baseline.
    """

    def __init__(self, model: types.BaseChannel):
        super().__init__(strategy_class=BaselineStrategy, candidate=model)
        types_of_outputs = {
            _MODEL: standard_artifacts.Model,
            _BLESSING: standard_artifacts.ModelBlessing,
        }
        replace_outputs(self, types_of_outputs)

    @classmethod
    def get_class_type(cls) -> str:
        """TFX's Resolver: by this name the launcher recognises nodes without an executor."""
        return resolver.Resolver.get_class_type()
