"""`python -m tfx_pipeline.report`: the last task of a run on Airflow, Kubeflow and Argo."""

from tfx_pipeline import terminal
from tfx_pipeline.report.last_task import command

if __name__ == "__main__":
    terminal.main(command)
