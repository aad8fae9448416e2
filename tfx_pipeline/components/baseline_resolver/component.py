"""BaselineResolver: the model that a new one is compared with.

TFX's own strategy resolves the latest blessed model. If nothing has changed, this is
the model of the cached Trainer, which is also the candidate: the Evaluator would run
again and compare a model with itself. Here a candidate is never its own baseline, so an
unchanged run resolves the same baseline as the run before.

The Evaluator does not wait for the export check, and may bless a model that cannot be
served. So a baseline needs the blessings of both.
"""

from __future__ import annotations

from collections.abc import Iterable

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from tfx_pipeline.compat.resolver_nodes import remove_outputs

_MODEL, _CANDIDATE, _INFRA_BLESSING = "model", "candidate", "infra_blessing"


class BaselineStrategy(resolver.ResolverStrategy):
    """The latest model that Evaluator and export check blessed and that is not the candidate."""

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Resolves `model` and `model_blessing`; both are empty if there is no baseline.

        Args:
          store: ML Metadata.
          input_dict: `model` has all models, `model_blessing` all blessings of the
            Evaluator, `infra_blessing` all blessings of the export check, `candidate`
            the model of this run.
        """
        candidates = {artifact.id for artifact in input_dict.get(_CANDIDATE, [])}
        allowed = _servable(store, input_dict[_INFRA_BLESSING]) - candidates
        models = {m.id: m for m in input_dict[_MODEL] if m.id in allowed}
        for blessing in _latest_first(input_dict["model_blessing"]):
            model = models.get(_model_id(blessing)) if _is_blessed(blessing) else None
            # The files of old models may have been deleted.
            if model is not None and fileio.exists(model.uri):
                return {"model": [model], "model_blessing": [blessing]}
        return {"model": [], "model_blessing": []}


def _latest_first(blessings: list[types.Artifact]) -> list[types.Artifact]:
    return sorted(blessings, key=lambda blessing: blessing.id, reverse=True)


def _is_blessed(blessing: types.Artifact) -> bool:
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1


def _model_id(blessing: types.Artifact) -> int | None:
    key = constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    return blessing.get_int_custom_property(key) or None


def _servable(store: ml_metadata.MetadataStore, blessings: list[types.Artifact]) -> set[int]:
    """Ids of the models whose latest blessing by the export check is positive."""
    by_lineage = _models_by_lineage(store, [b.id for b in blessings if _model_id(b) is None])
    latest = {}
    for blessing in reversed(_latest_first(blessings)):
        latest[_model_id(blessing) or by_lineage.get(blessing.id)] = _is_blessed(blessing)
    return {model for model, blessed in latest.items() if blessed and model is not None}


def _models_by_lineage(
    store: ml_metadata.MetadataStore, blessings: Iterable[int]
) -> dict[int, int]:
    """Ids of the models of blessings that do not name one, from the executions' inputs.

    TFX's InfraValidator does not name the model, nor did earlier versions of the export check.

    Returns:
      Model ids by blessing id.
    """
    blessing_of_execution = {
        event.execution_id: event.artifact_id
        for event in store.get_events_by_artifact_ids(list(blessings))
        if event.type == pb.Event.OUTPUT
    }
    return {
        blessing_of_execution[event.execution_id]: event.artifact_id
        for event in store.get_events_by_execution_ids(list(blessing_of_execution))
        if event.type == pb.Event.INPUT and any(s.key == _MODEL for s in event.path.steps)
    }


class BaselineResolver(resolver.Resolver):
    """Resolves the baseline of a candidate; runs after the Trainer.

    The pipeline needs an ExportCheck or TFX's InfraValidator: a model without their
    blessing is not used as a baseline.

    Args:
      model: the candidate.

    Outputs: `model` and `model_blessing`, both empty if there is no baseline.
    """

    def __init__(self, model: types.BaseChannel):
        super().__init__(
            strategy_class=BaselineStrategy,
            model=types.Channel(type=standard_artifacts.Model),
            model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            infra_blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            candidate=model,
        )
        remove_outputs(self, [_CANDIDATE, _INFRA_BLESSING])

    @classmethod
    def get_class_type(cls) -> str:
        """TFX's Resolver: by this name the launcher recognises nodes without an executor."""
        return resolver.Resolver.get_class_type()
