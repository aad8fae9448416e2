"""Data is printed as it is, whatever Rich would read into it."""

import pytest
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.errors import Finding
from tfx_pipeline.metadata.run_record import NodeRun, Run
from tfx_pipeline.orchestrators.local.progress import PlainProgress, print_run

COLUMNS = ["temp [c]", "rate [/s]", "[red]fare[/red]", "time:date:"]


@pytest.mark.parametrize("column", COLUMNS)
def test_texts_and_tables_are_printed_literally(column, capsys):
    table = Table("name")
    table.add_row(column)
    terminal.stdout().print(f"the column {column}")
    terminal.stdout().print(table)
    assert capsys.readouterr().out.count(column) == 2


@pytest.mark.parametrize("column", COLUMNS)
def test_a_run_is_printed_with_the_names_of_its_columns(column, capsys):
    finding = {"subject": column, "rule": f"type of {column}", "found": "text"}
    error = f"anomalies in {column}"
    node = NodeRun(state="failed", error=error, findings=(finding,), outputs={"x": [column]})
    run = Run(run_id="one", pipeline="shop", state="refused", nodes={"DataGate": node})
    print_run(terminal.stdout(), run)
    out = capsys.readouterr().out
    assert f"DataGate: anomalies in {column}" in out
    assert f"type of {column}" in out


@pytest.mark.parametrize("column", COLUMNS)
def test_progress_is_printed_with_the_names_of_columns(column, capsys):
    progress = PlainProgress(terminal.stderr())
    progress.run_started(("DataGate",))
    progress.node_ended("DataGate", NodeRun(state="failed", error=f"no {column}"))
    assert f"no {column}" in capsys.readouterr().err


def test_a_node_that_runs_long_says_how_far_it_is(tmp_path, capsys):
    log = tmp_path / "Tuner.log"
    progress = PlainProgress(terminal.stderr(), pause=0)
    progress.run_started(("Tuner",))
    progress.node_started("Tuner", log)
    progress.tick()  # there is no log yet
    log.write_text("2026-11-27 06:00:00,123 INFO Trial 1 complete: auc 0.9\nW some noise\n")
    progress.tick()
    progress.tick()
    progress.node_ended("Tuner", NodeRun(state="complete"))
    progress.tick()
    lines = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert [line.partition(" s ")[2] for line in lines] == [
        "Tuner started",
        "Tuner running Trial 1 complete: auc 0.9",
        "Tuner complete 0.0",
    ]


@pytest.mark.parametrize("column", COLUMNS)
def test_findings_are_printed_literally(column, capsys):
    terminal.stderr().print(terminal.findings_table([Finding(column, "rule", "found")]))
    assert column in capsys.readouterr().err
