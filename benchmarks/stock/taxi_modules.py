"""The taxi template's own modules with all the columns of the data switched on.

The template ships with a few columns and says where to add the others; only the
lists are set here, its code runs as it is.
"""

from tfx.experimental.templates.taxi.models import features, preprocessing
from tfx.experimental.templates.taxi.models.keras_model import model

features.DENSE_FLOAT_FEATURE_KEYS = ["trip_miles", "fare", "trip_seconds"]
features.BUCKET_FEATURE_KEYS = [
    "pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude",
]  # fmt: skip
features.BUCKET_FEATURE_BUCKET_COUNT = [10, 10, 10, 10]
features.CATEGORICAL_FEATURE_KEYS = [
    "trip_start_hour", "trip_start_day", "trip_start_month",
    "pickup_community_area", "dropoff_community_area",
]  # fmt: skip
# One more than the largest value: the template's encoder fails a batch beyond it.
features.CATEGORICAL_FEATURE_MAX_VALUES = [24, 8, 13, 78, 78]
features.VOCAB_FEATURE_KEYS = ["payment_type", "company"]

preprocessing_fn = preprocessing.preprocessing_fn
run_fn = model.run_fn
