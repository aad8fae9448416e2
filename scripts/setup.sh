#!/bin/sh
# Runs scripts/setup_env.py with any Python 3 that works; that one then finds the Python for TFX.
# `--lock` runs scripts/lock_files.py instead.
set -eu
cd "$(dirname "$0")/.."
module=scripts.setup_env
if [ "${1:-}" = --lock ]; then
    module=scripts.lock_files
    shift
fi
for python in .venv/bin/python python3 python3.13 python3.10 python; do
    if "$python" -c 'import sys; assert sys.version_info >= (3, 8)' >/dev/null 2>&1; then
        exec "$python" -m "$module" "$@"
    fi
done
if command -v uv >/dev/null 2>&1; then
    exec uv run --no-project --python 3.10 -m "$module" "$@"
fi
echo "No Python 3 and no uv on PATH. Install python3 (apt install python3 python3-venv) or uv." >&2
exit 2
