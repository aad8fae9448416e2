"""The subcommands of `tfx-pipeline`, one module each; `main` imports the one that is called."""
