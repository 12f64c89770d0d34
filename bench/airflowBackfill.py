"""Airflow's own backfill of weeks of four tasks that do nothing, strictly in order: `airflowBackfill.py FOLDER WEEKS`.

Prints JSON: the seconds from the first start to the end of the last run, and how many runs succeeded.
"""

import json
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

DAG = """
from datetime import datetime
from airflow import DAG
from airflow.operators.python import PythonOperator

with DAG(
    "weeks",
    start_date=datetime(2022, 1, 16),
    schedule="@weekly",
    catchup=False,
    max_active_runs=1,
    default_args={"depends_on_past": True},
) as dag:
    before = None
    for name in ["processing", "evaluation", "training", "inference"]:
        task = PythonOperator(task_id=name, python_callable=lambda: None)
        if before is not None:
            before >> task
        before = task
"""


def main(folder: str, weeks: int) -> None:
    home = Path(folder) / "airflow"
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "weeks.py").write_text(DAG)
    environment = {
        **os.environ,
        # The executor calls it by its name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    airflow = str(Path(sys.executable).parent / "airflow")

    def run(*arguments: str) -> str:
        done = subprocess.run([airflow, *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"airflow {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    run("db", "migrate")
    # Runs are listed of a DAG that stands in the database, where a backfill alone doesn't put it.
    run("dags", "reserialize")
    first = date(2022, 1, 16)
    last = first + timedelta(days=7 * (weeks - 1))
    started = time.perf_counter()
    run("dags", "backfill", "--start-date", str(first), "--end-date", str(last), "weeks")
    seconds = time.perf_counter() - started
    runs = json.loads(run("dags", "list-runs", "--dag-id", "weeks", "--output", "json"))
    print(json.dumps({"seconds": seconds, "succeeded": sum(each["state"] == "success" for each in runs)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
