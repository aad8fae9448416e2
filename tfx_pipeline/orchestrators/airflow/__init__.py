"""The pipeline as a DAG of Airflow 3. Airflow itself is never imported here."""
