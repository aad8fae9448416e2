"""BaselineResolver: the model that a new one is compared with.

TFX's own strategy takes the latest blessed model. When nothing has changed, the
cached Trainer's model is the candidate and the latest blessed one at once: the
Evaluator runs again, comparing a model with itself. Here a candidate is never
its own baseline, so that an unchanged run resolves what the run before did.
"""

from __future__ import annotations

import ml_metadata
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

_CANDIDATE = "candidate"


class BaselineStrategy(resolver.ResolverStrategy):
    """The latest blessed model that is not the candidate."""

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Resolves `model` and `model_blessing`; both are empty when there is no baseline.

        Args:
          store: ML Metadata; not asked.
          input_dict: `model` all models, `model_blessing` all blessings,
            `candidate` the model of this run.
        """
        candidates = {artifact.id for artifact in input_dict.get(_CANDIDATE, [])}
        models = {m.id: m for m in input_dict["model"] if m.id not in candidates}
        for blessing in _latest_first(input_dict["model_blessing"]):
            model = models.get(_blessed_model(blessing))
            # A model that was cleaned away can be compared with nothing.
            if model is not None and fileio.exists(model.uri):
                return {"model": [model], "model_blessing": [blessing]}
        return {"model": [], "model_blessing": []}


def _latest_first(blessings: list[types.Artifact]) -> list[types.Artifact]:
    return sorted(blessings, key=lambda blessing: blessing.id, reverse=True)


def _blessed_model(blessing: types.Artifact) -> int | None:
    if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) != 1:
        return None
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)


class BaselineResolver(resolver.Resolver):
    """Resolves the baseline of a candidate; runs after the candidate was trained.

    Args:
      model: the candidate.

    Outputs: `model` and `model_blessing`, both empty when there is no baseline.
    """

    def __init__(self, model: types.BaseChannel):
        super().__init__(
            strategy_class=BaselineStrategy,
            model=types.Channel(type=standard_artifacts.Model),
            model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            candidate=model,
        )
        # TFX makes an output of every input; the candidate is none.
        del self._input_dict[_CANDIDATE], self._output_dict[_CANDIDATE]

    @classmethod
    def get_class_type(cls) -> str:
        """TFX's Resolver: the launcher knows its own nodes without executor by this name."""
        return resolver.Resolver.get_class_type()
