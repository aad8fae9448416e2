"""`python -m tfx_pipeline` is `tfx-pipeline`."""

from tfx_pipeline.cli import main

if __name__ == "__main__":
    main.run()
