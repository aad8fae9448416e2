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


@pytest.fixture
def machine(setup_env, monkeypatch):
    """Sets what the set-up finds: the C library, and Pythons."""

    def make(libc: str, *pythons: str, line: str = "") -> None:
        monkeypatch.setattr(setup_env, "libc", lambda: tuple(libc.split(" ")))
        monkeypatch.setattr(setup_env.sys, "platform", "linux")
        found = lambda: setup_env.WANTED if setup_env.WANTED in pythons else None  # noqa: E731
        monkeypatch.setattr(setup_env, "find_python", found)
        monkeypatch.setenv("TFX_LINE", line)

    return make


@pytest.mark.parametrize(
    ("libc", "pythons", "line", "chosen", "why"),
    [
        ("glibc 2.41", ["3.13", "3.10"], "", ("1.21", "3.13"), "it is the newest line"),
        ("glibc 2.39", ["3.11", "3.12"], "", ("1.21", "3.12"), "it is the newest line"),
        ("glibc 2.41", ["3.13", "3.10"], "1.16", ("1.16", "3.10"), "TFX_LINE says so"),
        ("glibc 2.41", ["3.10"], "", ("1.16", "3.10"), "no Python 3.13 or 3.12 or 3.11 for TFX"),
        (
            "glibc 2.36",
            ["3.13", "3.10"],
            "",
            ("1.16", "3.10"),
            "TFX 1.21 needs glibc 2.39, and",
        ),
        ("glibc 2.41", [], "", ("1.21", "3.13"), "no Python 3.10 for TFX 1.16 was found"),
        ("glibc 2.36", [], "", ("1.16", "3.10"), "no Python 3.10 for TFX 1.16 was found"),
    ],
)
def test_the_newest_line_that_can_be_loaded_is_chosen(
    setup_env, machine, capsys, libc, pythons, line, chosen, why
):
    machine(libc, *pythons, line=line)
    assert setup_env.choose_line() == chosen
    told = capsys.readouterr().err
    assert told.startswith(f"set-up: TFX {chosen[0]} on Python {chosen[1]}: ")
    assert why in told
    assert told.count("\n") == 1
    assert chosen[1] == setup_env.WANTED


@pytest.mark.parametrize(
    ("libc", "line", "message"),
    [
        ("glibc 2.36", "1.21", "TFX 1.21 needs glibc 2.39, and this is glibc 2.36"),
        ("glibc 2.12", "", "TFX 1.16 needs glibc 2.17, and this is glibc 2.12"),
        (" ", "", "TFX 1.16 needs glibc 2.17, and this is no glibc"),
        ("glibc 2.41", "1.20", "TFX_LINE is '1.20'; it can be 1.21 or 1.16"),
    ],
)
def test_where_no_line_can_be_loaded_it_says_why(setup_env, machine, libc, line, message):
    machine(libc, "3.13", "3.10", line=line)
    with pytest.raises(SystemExit, match=message):
        setup_env.choose_line()


def test_a_line_that_is_there_is_kept_unless_another_is_forced(setup_env, tmp_path, monkeypatch):
    for name in ("tfx-1.16-py3.10", "tfx-1.16-py3.10-dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("tfx==1.16.0\n")
    monkeypatch.delenv("TFX_LINE", raising=False)
    assert not setup_env.has_line("tfx")
    installed(setup_env, tmp_path / "requirements" / "tfx-1.16-py3.10.txt")
    assert setup_env.has_line("tfx")
    assert not setup_env.has_line("tfx-dev")
    installed(setup_env, tmp_path / "requirements" / "tfx-1.16-py3.10-dev.txt")
    assert setup_env.has_line("tfx")
    assert setup_env.has_line("tfx-dev")
    monkeypatch.setenv("TFX_LINE", "1.16")
    assert setup_env.has_line("tfx")
    monkeypatch.setenv("TFX_LINE", "1.21")
    assert not setup_env.has_line("tfx")


def test_there_is_a_lock_for_each_line_and_python(project):
    """Exact versions with hashes; and the lock for the tests has all of the other."""
    spec = importlib.util.spec_from_file_location("setup_env", project / "scripts/setup_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for line, versions in module.LINES.items():
        for version in versions:
            name = project / "requirements" / f"tfx-{line}-py{version}.txt"
            run, dev = pins(name), pins(name.with_name(f"{name.stem}-dev.txt"))
            assert run.items() <= dev.items()
            assert run["tfx"].startswith(f"{line}.")
            assert "pytest" in dev


def pins(lock) -> dict[str, str]:
    """Versions by package; each one has a hash."""
    found = {}
    for block in lock.read_text().split("\n    # via")[:-1]:
        line = next(text for text in block.splitlines() if "==" in text)
        assert "--hash=sha256:" in block, line
        name, _, version = line.removesuffix(" \\").partition("==")
        found[name.strip()] = version.strip()
    return found


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
