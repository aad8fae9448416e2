"""Data is printed as it is, whatever Rich would read into it."""

import pytest
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.errors import Finding
from tfx_pipeline.metadata.run_history import NodeRun, Run
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


@pytest.mark.parametrize("column", COLUMNS)
def test_findings_are_printed_literally(column, capsys):
    terminal.stderr().print(terminal.findings_table([Finding(column, "rule", "found")]))
    assert column in capsys.readouterr().err
