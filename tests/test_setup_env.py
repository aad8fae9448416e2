import json
import subprocess
import sys

import pytest

from scripts import pythons, setup_env, tfx_line

THIS_PYTHON = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment in a small project of its own."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "tfx.txt").write_text("tfx==1\n")
    (tmp_path / "requirements" / "tfx-dev.txt").write_text("tfx==1\npytest==8\n")
    (tmp_path / "setup.py").write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    monkeypatch.setattr(setup_env, "PROJECT", tmp_path)
    return setup_env.Environment(tmp_path / ".venv")


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "requirements" / "tfx.txt"


def installed(environment, lock):
    environment.stamp_file.write_text(json.dumps(setup_env.stamp_for(lock)))


def test_nothing_is_installed_at_first(environment, lock):
    assert not environment.has(lock)


def test_what_is_installed_is_not_installed_again(environment, lock):
    installed(environment, lock)
    assert environment.has(lock)


def test_the_lock_for_the_tests_has_all_of_the_other(environment, lock):
    larger = lock.with_name("tfx-dev.txt")
    installed(environment, larger)
    assert environment.has(lock)
    installed(environment, lock)
    assert not environment.has(larger)


def test_what_the_tests_need_stays_when_a_lock_changes(environment, lock):
    larger = lock.with_name("tfx-dev.txt")
    installed(environment, lock)
    assert environment.lock_to_keep(lock) == lock
    installed(environment, larger)
    larger.write_text("tfx==2\npytest==8\n")
    assert environment.lock_to_keep(lock) == larger


def test_another_environment_is_apart_from_the_first(environment, lock, tmp_path):
    installed(environment, lock)
    other = setup_env.Environment(tmp_path / ".airflow-venv")
    assert not other.has(lock)
    assert other.python == tmp_path / ".airflow-venv" / "bin" / "python"


@pytest.mark.parametrize("name", ["requirements/tfx.txt", "setup.py"])
def test_a_change_is_installed(environment, lock, tmp_path, name):
    installed(environment, lock)
    (tmp_path / name).write_text("# changed\n")
    assert not environment.has(lock)


def test_an_unfinished_set_up_is_not_trusted(environment, lock):
    installed(environment, lock)
    environment.unfinished.touch()
    assert not environment.has(lock)


@pytest.mark.parametrize("stamp", ["", "{", "[]"])
def test_a_broken_stamp_is_not_trusted(environment, lock, stamp):
    environment.stamp_file.write_text(stamp)
    assert not environment.has(lock)


@pytest.fixture
def machine(monkeypatch):
    """Sets what the set-up finds: the C library, and Pythons."""

    def make(libc: str, *versions: str, line: str = "") -> None:
        monkeypatch.setattr(tfx_line, "libc", lambda: tuple(libc.split(" ")))
        monkeypatch.setattr(tfx_line.sys, "platform", "linux")
        monkeypatch.setattr(pythons, "find_python", lambda v: v if v in versions else None)
        monkeypatch.setenv("TFX_LINE", line)

    return make


@pytest.mark.parametrize(
    ("libc", "versions", "line", "chosen", "why"),
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
    machine, capsys, libc, versions, line, chosen, why
):
    machine(libc, *versions, line=line)
    assert tfx_line.choose() == chosen
    told = capsys.readouterr().err
    assert told.startswith(f"set-up: TFX {chosen[0]} on Python {chosen[1]}: ")
    assert why in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("libc", "line", "message"),
    [
        ("glibc 2.36", "1.21", "TFX 1.21 needs glibc 2.39, and this is glibc 2.36"),
        ("glibc 2.12", "", "TFX 1.16 needs glibc 2.17, and this is glibc 2.12"),
        (" ", "", "TFX 1.16 needs glibc 2.17, and this is no glibc"),
        ("glibc 2.41", "1.20", "TFX_LINE is '1.20'; it can be 1.21 or 1.16"),
    ],
)
def test_where_no_line_can_be_loaded_it_says_why(machine, libc, line, message):
    machine(libc, "3.13", "3.10", line=line)
    with pytest.raises(SystemExit, match=message):
        tfx_line.choose()


def test_a_line_that_is_there_is_kept_unless_another_is_forced(environment, tmp_path, monkeypatch):
    for name in ("tfx-1.16-py3.10", "tfx-1.16-py3.10-dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("tfx==1.16.0\n")
    monkeypatch.delenv("TFX_LINE", raising=False)
    assert not environment.has_line("tfx")
    installed(environment, tmp_path / "requirements" / "tfx-1.16-py3.10.txt")
    assert environment.has_line("tfx")
    assert not environment.has_line("tfx-dev")
    installed(environment, tmp_path / "requirements" / "tfx-1.16-py3.10-dev.txt")
    assert environment.has_line("tfx")
    assert environment.has_line("tfx-dev")
    monkeypatch.setenv("TFX_LINE", "1.16")
    assert environment.has_line("tfx")
    monkeypatch.setenv("TFX_LINE", "1.21")
    assert not environment.has_line("tfx")


def test_there_is_a_lock_for_each_line_and_python(project):
    """Exact versions with hashes; and the lock for the tests has all of the other."""
    for line, versions in tfx_line.LINES.items():
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


@pytest.mark.parametrize("version", ["3.10", "3.12"])
def test_without_python_it_says_what_to_install(monkeypatch, version):
    monkeypatch.setattr(pythons, "output", lambda *_: None)
    assert pythons.find_python(version) is None
    message = rf"Python {version} is needed and was not found(.|\n)*pyenv install {version}"
    with pytest.raises(SystemExit, match=message):
        pythons.python_from_uv("uv", version)


def test_tools_take_the_first_python_that_is_there(monkeypatch):
    monkeypatch.setattr(pythons, "find_python", lambda v: v if v in ("3.13", "3.10") else None)
    assert pythons.first_found(setup_env.FOR_TOOLS) == "3.13"
    monkeypatch.setattr(pythons, "find_python", lambda v: None)
    assert pythons.first_found(setup_env.FOR_TOOLS) == setup_env.FOR_TOOLS[0]


def test_programs_that_fail_or_are_not_there_print_nothing():
    assert pythons.output("false") is None
    assert pythons.output("no-such-program") is None


def test_make_help_names_the_targets(project):
    done = subprocess.run(["make", "help"], cwd=project, capture_output=True, text=True, check=True)
    tests = ("test", "test-fast", "test-slow", "test-other-line")
    for target in ("run", *tests, "lint", "bench", "lock", "clean"):
        assert f"make {target} " in done.stdout


def test_a_python_of_another_version_does_not_count():
    assert pythons.probe(sys.executable, THIS_PYTHON)
    assert pythons.probe(sys.executable, "3.9") is None


def test_a_virtual_environment_leads_to_the_python_behind_it():
    """Else a .venv that is half done would be made from itself."""
    found = pythons.find_python(THIS_PYTHON)
    probe = "import sys; print(sys.prefix == sys.base_prefix)"
    assert pythons.output(found, "-c", probe) == "True"
