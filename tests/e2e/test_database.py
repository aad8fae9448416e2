"""The bundled example with its rows in PostgreSQL: equal metrics, and a cache that sees changes."""

from __future__ import annotations

import pytest
import yaml

from tests import postgres
from tests.projects import REPOSITORY
from tfx_pipeline.config import schema_file
from tfx_pipeline.config.environment import DATA_PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUERY = "SELECT * FROM trips ORDER BY line"
TYPES = {"INT": "BIGINT", "FLOAT": "DOUBLE PRECISION", "BYTES": "TEXT"}


@pytest.fixture
def trips(postgres_server):
    """The example's table; returns a connection."""
    path = REPOSITORY / "data" / "taxi" / "trips.csv"
    schema = next((REPOSITORY / "schema").glob("*.pbtxt"))
    types = schema_file.summarise(schema_file.read_schema(str(schema))).types
    with path.open() as file, postgres_server.connect() as connection:
        header = file.readline().strip().split(",")
        columns = ", ".join(f"{name} {TYPES[types.get(name, 'BYTES')]}" for name in header)
        connection.execute(f"CREATE TABLE trips ({columns}, line BIGSERIAL)")
        into = f"COPY trips ({', '.join(header)}) FROM STDIN CSV"
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(file.read())
        yield connection
        connection.execute("DROP TABLE trips")


def test_a_database_gives_the_metrics_of_the_files(trained, fresh_project, postgres_server, trips):
    file = fresh_project.folder / "pipeline.yaml"
    values = yaml.safe_load(file.read_text())
    data = {"format": "sql", "url": postgres_server.url(), "query": QUERY}
    # The table's own order differs from the file's in some rows, which changes the training.
    values["data"] = {
        **{k: v for k, v in values["data"].items() if k != "path"},
        **data,
        "exclude": ["line"],
    }
    file.write_text(yaml.safe_dump(values))
    password = {DATA_PASSWORD: postgres.PASSWORD}

    first = fresh_project.run(**password)
    assert first.exit_code == 0, first.log
    assert first.run["metrics"] == pytest.approx(trained.result("first")["metrics"], abs=1e-4)
    again = fresh_project.run("--to", "ExampleGen", **password)
    assert again.states()["ExampleGen"] == "cached", again.log
    trips.execute("UPDATE trips SET fare = fare + 1 WHERE line = 5")
    changed = fresh_project.run("--to", "ExampleGen", **password)
    assert changed.states()["ExampleGen"] == "complete", changed.log
    files = [path for path in fresh_project.home.rglob("*") if path.is_file()]
    assert not any(postgres.PASSWORD.encode() in path.read_bytes() for path in files)
