"""Which version of a model receives which traffic: labels, the canary, the server's config."""
