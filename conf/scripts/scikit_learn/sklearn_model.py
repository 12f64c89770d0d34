"""Extremely randomized trees of scikit-learn as a script of Perdure's (docs/scripts.md), on values whose missing ones are imputed."""

import argparse
import json
import pickle
import sys

import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["train", "predict"])
for name in ("train", "validation", "params", "output", "checkpoint", "model"):
    parser.add_argument(f"--{name}")
args = parser.parse_args()

if args.command == "train":
    with open(args.params) as file:
        given = json.load(file)
    rows = pd.read_parquet(args.train)
    kind = ExtraTreesRegressor if given["task"] == "regression" else ExtraTreesClassifier
    estimator = kind(**given["params"], random_state=given["seed"], n_jobs=given["limits"]["threads"])
    model = make_pipeline(SimpleImputer(keep_empty_features=True), estimator)
    model.fit(rows[given["features"]], rows[given["label"]])
    with open(f"{args.output}/model.pkl", "wb") as file:
        pickle.dump({"model": model, "task": given["task"], "features": given["features"]}, file)
else:
    with open(f"{args.model}/model.pkl", "rb") as file:
        kept = pickle.load(file)
    for line in sys.stdin:
        request = json.loads(line)
        rows = pd.read_parquet(request["data"])[kept["features"]]
        if kept["task"] == "regression":
            said = pd.DataFrame({"prediction": kept["model"].predict(rows)})
        else:
            said = pd.DataFrame(kept["model"].predict_proba(rows)).add_prefix("probability_")
            if kept["task"] == "binary":
                said = said[["probability_1"]]
        said.to_parquet(request["output"])
        print(json.dumps({"predicted": request["output"]}), flush=True)
