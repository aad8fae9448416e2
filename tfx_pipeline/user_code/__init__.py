"""A user's own code: found by dotted path, loaded, and digested for the cache key."""
