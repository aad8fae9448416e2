#!/bin/sh
# Runs setup_env.py with any Python 3 that works; that one then finds the Python for TFX.
set -eu
here=$(dirname "$0")
for python in .venv/bin/python python3 python3.13 python3.10 python; do
    if "$python" -c 'import sys; assert sys.version_info >= (3, 8)' >/dev/null 2>&1; then
        exec "$python" "$here/setup_env.py" "$@"
    fi
done
if command -v uv >/dev/null 2>&1; then
    exec uv run --no-project --python 3.10 "$here/setup_env.py" "$@"
fi
echo "No Python 3 and no uv on PATH. Install python3 (apt install python3 python3-venv) or uv." >&2
exit 2
