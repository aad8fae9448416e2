import importlib.util
import json
import subprocess
import sys

import pytest


@pytest.fixture
def setup_env(project, tmp_path, monkeypatch):
    """The set-up script, seeing a small project in a folder of its own."""
    spec = importlib.util.spec_from_file_location("setup_env", project / "scripts/setup_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "tfx.txt").write_text("tfx==1\n")
    (tmp_path / "requirements" / "tfx-dev.txt").write_text("tfx==1\npytest==8\n")
    (tmp_path / "setup.py").write_text("")
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    for name, path in {
        "PROJECT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / ".installed.json",
        "UNFINISHED": venv / ".unfinished",
        "TOOLS": tmp_path / ".tools",
    }.items():
        monkeypatch.setattr(module, name, path)
    return module


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "requirements" / "tfx.txt"


def installed(setup_env, lock):
    setup_env.STAMP.write_text(json.dumps(setup_env.stamp_for(lock)))


def test_nothing_is_installed_at_first(setup_env, lock):
    assert not setup_env.is_installed(lock)


def test_what_is_installed_is_not_installed_again(setup_env, lock):
    installed(setup_env, lock)
    assert setup_env.is_installed(lock)


def test_the_lock_for_the_tests_has_all_of_the_other(setup_env, lock):
    larger = lock.with_name("tfx-dev.txt")
    installed(setup_env, larger)
    assert setup_env.is_installed(lock)
    installed(setup_env, lock)
    assert not setup_env.is_installed(larger)


def test_what_the_tests_need_stays_when_a_lock_changes(setup_env, lock):
    larger = lock.with_name("tfx-dev.txt")
    installed(setup_env, lock)
    assert setup_env.lock_to_keep(lock) == lock
    installed(setup_env, larger)
    larger.write_text("tfx==2\npytest==8\n")
    assert setup_env.lock_to_keep(lock) == larger


def test_another_environment_has_a_stamp_of_its_own(setup_env, lock):
    installed(setup_env, lock)
    setup_env.use(".tools-of-tests")
    assert not setup_env.is_installed(lock)
    assert setup_env.PYTHON == setup_env.PROJECT / ".tools-of-tests" / "bin" / "python"


@pytest.mark.parametrize("name", ["requirements/tfx.txt", "setup.py"])
def test_a_change_is_installed(setup_env, lock, tmp_path, name):
    installed(setup_env, lock)
    (tmp_path / name).write_text("# changed\n")
    assert not setup_env.is_installed(lock)


def test_an_unfinished_set_up_is_not_trusted(setup_env, lock):
    installed(setup_env, lock)
    setup_env.UNFINISHED.touch()
    assert not setup_env.is_installed(lock)


@pytest.mark.parametrize("stamp", ["", "{", "[]"])
def test_a_broken_stamp_is_not_trusted(setup_env, lock, stamp):
    setup_env.STAMP.write_text(stamp)
    assert not setup_env.is_installed(lock)


def test_without_python_it_says_what_to_install(setup_env, monkeypatch):
    monkeypatch.setattr(setup_env, "output", lambda *_: None)
    assert setup_env.find_python() is None
    with pytest.raises(SystemExit, match=r"pyenv install 3\.10"):
        setup_env.python_from_uv("uv")


def test_programs_that_fail_or_are_not_there_print_nothing(setup_env):
    assert setup_env.output("false") is None
    assert setup_env.output("no-such-program") is None


def test_make_help_names_the_targets(project):
    done = subprocess.run(["make", "help"], cwd=project, capture_output=True, text=True, check=True)
    for target in ("run", "test", "test-fast", "lint", "bench", "lock", "clean"):
        assert f"make {target} " in done.stdout


def test_another_environment_is_apart_from_the_first(setup_env, lock, tmp_path):
    installed(setup_env, lock)
    setup_env.use(".airflow-venv")
    assert tmp_path / ".airflow-venv" / "bin" / "python" == setup_env.PYTHON
    assert not setup_env.is_installed(lock)


def test_another_python_is_asked_for(setup_env, monkeypatch):
    monkeypatch.setattr(setup_env, "output", lambda *_: None)
    setup_env.want("3.12")
    with pytest.raises(SystemExit, match=r"Python 3\.12 is needed and was not found"):
        setup_env.python_from_uv("uv")


def test_a_python_of_another_version_does_not_count(setup_env):
    assert ".".join(map(str, sys.version_info[:2])) == setup_env.WANTED
    assert setup_env.probe(sys.executable)
    setup_env.want("3.12")
    assert setup_env.probe(sys.executable) is None


def test_a_virtual_environment_leads_to_the_python_behind_it(setup_env):
    """Else a .venv that is half done would be made from itself."""
    found = setup_env.find_python()
    probe = "import sys; print(sys.prefix == sys.base_prefix)"
    assert setup_env.output(found, "-c", probe) == "True"
