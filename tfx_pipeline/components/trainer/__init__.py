"""Trainer: calls the user's `run_fn`.

- `component`, `executor`: flat runtime parameters, and their way into FnArgs.
- `multi_worker`: a training in several processes: `worker_group` watches them; `local_worker` and
  `remote_worker` start them, here and where a `worker_host` waits, which calls `hosted`; `worker`
  is one of them.
"""
