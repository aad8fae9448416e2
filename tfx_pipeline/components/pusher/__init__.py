"""Pusher: copies a blessed model to the push folder and makes it live by rename."""
