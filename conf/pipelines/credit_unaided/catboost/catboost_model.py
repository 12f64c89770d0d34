"""Gradient boosting of CatBoost as a script of Perdure's (docs/scripts.md). Parameters are those of CatBoostClassifier or CatBoostRegressor."""

import argparse
import json
import sys

import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor

OBJECTIVES = {"squared_error": "RMSE", "absolute_error": "MAE", "poisson": "Poisson"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["train", "predict"])
    for name in ("train", "validation", "params", "output", "checkpoint", "model"):
        parser.add_argument(f"--{name}")
    args = parser.parse_args()
    if args.command == "train":
        train(args)
    else:
        predict(args)


def train(args):
    with open(args.params) as file:
        given = json.load(file)
    settings = {
        "random_seed": given["seed"],
        "thread_count": given["limits"]["threads"],
        "cat_features": given["categoricals"],
        # Nothing is written beside the model, and nothing is left in the folder of the script.
        "allow_writing_files": False,
        "verbose": False,
    }
    if given["task"] == "regression":
        model = CatBoostRegressor(loss_function=OBJECTIVES[given["objective"]], **settings, **given["params"])
    else:
        model = CatBoostClassifier(**settings, **given["params"])
    rows = read(args.train, given)
    validation = read(args.validation, given) if args.validation else None
    model.fit(
        rows[given["features"]],
        rows[given["label"]],
        eval_set=(validation[given["features"]], validation[given["label"]]) if validation is not None else None,
        callbacks=[Told()],
    )
    # A time and an identity of its own would make every model's file another one.
    about = model.get_metadata()
    for name in ("model_guid", "train_finish_time"):
        about[name] = ""
    model.save_model(f"{args.output}/model.cbm")
    with open(f"{args.output}/given.json", "w") as file:
        json.dump({name: given[name] for name in ("task", "features", "categoricals")}, file)


class Told:
    """Tells every tenth tree, with the losses after it."""

    def after_iteration(self, info):
        if info.iteration % 10 == 0:
            metrics = {f"{rows}_{name}": values[-1] for rows, of in (info.metrics or {}).items() for name, values in of.items()}
            print(json.dumps({"step": info.iteration, "metrics": metrics}), flush=True)
        return True


def predict(args):
    with open(f"{args.model}/given.json") as file:
        given = json.load(file)
    regression = given["task"] == "regression"
    model = CatBoostRegressor() if regression else CatBoostClassifier()
    model.load_model(f"{args.model}/model.cbm")
    for line in sys.stdin:
        request = json.loads(line)
        rows = read(request["data"], given)[given["features"]]
        if regression:
            said = pd.DataFrame({"prediction": model.predict(rows, prediction_type=exponent(model))})
        else:
            said = pd.DataFrame(model.predict_proba(rows)).add_prefix("probability_")
            if given["task"] == "binary":
                said = said[["probability_1"]]
        said.to_parquet(request["output"])
        print(json.dumps({"predicted": request["output"]}), flush=True)


def exponent(model):
    """A model of counts says their logarithm."""
    return "Exponent" if model.get_all_params().get("loss_function") == "Poisson" else "RawFormulaVal"


def read(path, given):
    rows = pd.read_parquet(path)
    # Positions of categories are numbers in the file, NaN where a value is missing.
    for name in given["categoricals"]:
        rows[name] = rows[name].fillna(-1).astype(int)
    return rows


main()
