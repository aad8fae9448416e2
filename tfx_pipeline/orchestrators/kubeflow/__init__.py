"""What the Kubeflow runner writes: pipelines for Kubeflow Pipelines and Argo Workflows.

`config` is the typed configuration, `plan` joins it with the compiled pipeline into
steps; `kfp_compiler` and `argo` write the two formats from the same steps.
"""
