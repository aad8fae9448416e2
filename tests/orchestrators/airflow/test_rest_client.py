import socket

import pytest

from tfx_pipeline.orchestrators.airflow.rest_client import AirflowError, Client


def test_a_server_that_never_answers_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.2)
        with pytest.raises(AirflowError, match=r"cannot be reached: .*timed out"):
            client.run_state("taxi", "one")
