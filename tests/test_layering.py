"""Who may import whom; the contracts are in pyproject.toml."""

import subprocess
import sys


def test_import_contracts(project):
    code = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_library_imports_nothing_heavy(project):
    code = "import sys, tfx_pipeline, tfx_pipeline.config.loader; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"tensorflow", "tfx", "apache_beam", "ml_metadata"})
