"""How this project's components write TFRecord files."""

from __future__ import annotations

import tensorflow as tf

# Half the time of the default level for files a tenth larger.
TFRECORD_OPTIONS = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
