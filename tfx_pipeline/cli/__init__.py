"""The subcommands of `tfx-pipeline`, one module each; `cli` imports the one that is called."""
