"""Pusher: copies a blessed model to the push folder and makes it live by rename.

- `component`, `executor`: the component; checks both blessings, then pushes.
- `versioned_folder`: adds a version to a folder that a server watches.
"""
