"""Who runs the nodes: `local`, `airflow` and `kubeflow`. `base_runner` does what all share."""
