"""One node in one process: the request, the cache key, TFX's launcher, the supervising parent."""
