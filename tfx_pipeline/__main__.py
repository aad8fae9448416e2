"""`python -m tfx_pipeline` is `tfx-pipeline`."""

from tfx_pipeline import cli

if __name__ == "__main__":
    cli.run()
