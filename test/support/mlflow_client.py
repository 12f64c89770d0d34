"""Tells what an MLflow server has of pipelines, by MLflow's own client, and what their models predict.

Takes one JSON object: the server's `uri`, and `pipelines`: by name of experiment and registered model, the CSV whose rows are
predicted. Answers with an object per pipeline.
"""

import json
import sys

import mlflow
import pandas as pd

asked = json.loads(sys.argv[1])
mlflow.set_tracking_uri(asked["uri"])
client = mlflow.MlflowClient()


def run_of(run):
    # A request per metric, so only of one that has steps.
    steps = client.get_metric_history(run.info.run_id, "search.score")
    return {
        "id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": run.data.metrics,
        "search": sorted([one.step, one.value] for one in steps),
        "datasets": [[one.dataset.name, one.dataset.digest] for one in run.inputs.dataset_inputs],
        "artifacts": sorted(one.path for one in client.list_artifacts(run.info.run_id)),
    }


def version_of(version):
    return {
        "version": int(version.version),
        "run": version.run_id,
        "tags": version.tags,
        "aliases": sorted(version.aliases),
    }


def predictions_of(name, version, rows):
    model = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}")
    predicted = model.predict(rows)
    # A row alone is predicted as it is among others.
    pd.testing.assert_frame_equal(model.predict(rows.iloc[[1]]), predicted.iloc[[1]])
    return json.loads(predicted.to_json(orient="records", double_precision=15))


def pipeline_of(name, csv):
    experiment = client.get_experiment_by_name(name)
    found = client.search_model_versions(f"name = '{name}'")
    versions = [client.get_model_version(name, one.version) for one in found]
    rows = pd.read_csv(csv)
    return {
        "runs": [run_of(run) for run in client.search_runs([experiment.experiment_id])],
        "versions": [version_of(version) for version in versions],
        "predictions": {one.tags["perdure.algorithm"]: predictions_of(name, one, rows) for one in versions},
    }


print(json.dumps({name: pipeline_of(name, csv) for name, csv in asked["pipelines"].items()}))
