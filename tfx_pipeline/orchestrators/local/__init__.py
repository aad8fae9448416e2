"""Runs many nodes on this machine: the order, the fork server, the progress display."""
