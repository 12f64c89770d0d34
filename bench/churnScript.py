"""The churn training as a plain Python script: the steps of `perdure run churn`, with the packages that a practitioner takes.

Usage: python churnScript.py CSV PIPELINE
PIPELINE is the folder conf/pipelines/churn: its expectations, search spaces and limits are those of the job. Validates,
makes the features, tunes three estimators (Optuna, two candidates at once), fits, chooses the threshold, evaluates with bootstrap intervals,
measures importance, and scores every row. Prints, as JSON, the test ROC AUC of each estimator and how many candidates were tried.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["GX_ANALYTICS_ENABLED"] = "false"
warnings.filterwarnings("ignore")

import great_expectations as gx
import joblib
import lightgbm
import numpy as np
import optuna
import pandas
import xgboost
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

optuna.logging.set_verbosity(optuna.logging.ERROR)
csv, pipeline = sys.argv[1], Path(sys.argv[2])
config = json.loads((pipeline / "model_config.dev.json").read_text())
suite = json.loads((pipeline / "expectations.json").read_text())
SEED = config["model_config"]["random_state"]
TRIALS = config["model_config"]["n_iter_search"]
PATIENCE = config["search"]["early_stopping"]["patience"]
STARTUP, FOLDS, DRAWS, REPEATS = 10, 5, 1_000, 5

rows = pandas.read_csv(csv, na_values=[" "])

# Those that are Perdure's own, or SQL, have no counterpart in the package.
known = [e for e in suite["expectations"] if e["type"] not in ("unexpected_rows_expectation", "expect_column_newest_value_age_to_be_between")]
asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("pandas").add_dataframe_asset("churn")
batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": rows})
validated = batch.validate(
    gx.ExpectationSuite(name="churn", expectations=[{"type": e["type"], "kwargs": e["kwargs"]} for e in known])
)

keys, y = rows.pop("customerID"), (rows.pop("Churn") == "Yes").astype(int).to_numpy()
rows["tenure_category"] = pandas.cut(
    rows["tenure"], [-np.inf, 12, 24, 48, np.inf], labels=["New", "Medium", "Long", "Very_Long"]
).astype(str)
rows["total_amount"] = rows["tenure"] * rows["MonthlyCharges"]
rows["avg_monthly_charges"] = rows["MonthlyCharges"] / (rows["tenure"] + 1)
rows["is_high_risk"] = (
    (rows["Contract"] == "Month-to-month") & (rows["MonthlyCharges"] > rows["MonthlyCharges"].median())
).astype(int)

numbers = list(rows.select_dtypes("number"))
texts = [column for column in rows if column not in numbers]
train, held, y_train, y_held = train_test_split(rows, y, test_size=0.3, stratify=y, random_state=SEED)
validation, test, y_validation, y_test = train_test_split(held, y_held, test_size=0.5, stratify=y_held, random_state=SEED)

quartiles = train[numbers].quantile([0.25, 0.75])
low = (quartiles.loc[0.25] - 1.5 * (quartiles.loc[0.75] - quartiles.loc[0.25])).to_numpy()
high = (quartiles.loc[0.75] + 1.5 * (quartiles.loc[0.75] - quartiles.loc[0.25])).to_numpy()
capped = FunctionTransformer(lambda x: np.where(high > low, np.clip(x, low, high), x))
columns = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), capped, StandardScaler()), numbers),
        ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)), texts),
    ]
)
x_train = columns.fit_transform(train).astype(np.float32)
x_validation, x_test = (columns.transform(part).astype(np.float32) for part in (validation, test))
parts = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x_train, y_train))

ESTIMATORS = {
    "xgboost": xgboost.XGBClassifier(tree_method="hist", n_jobs=1, random_state=SEED),
    "lightgbm": lightgbm.LGBMClassifier(n_jobs=1, random_state=SEED, verbosity=-1),
    "random_forest": RandomForestClassifier(n_jobs=1, random_state=SEED),
}


def suggested(trial, space):
    params = {}
    for name, of in space.items():
        if isinstance(of, list):
            params[name] = trial.suggest_categorical(name, of)
        elif of.get("int"):
            params[name] = trial.suggest_int(name, of["low"], of["high"], log=of.get("log", False))
        else:
            params[name] = trial.suggest_float(name, of["low"], of["high"], log=of.get("log", False))
    return params


def stop_early(study, trial):
    if trial.number >= STARTUP and trial.number - study.best_trial.number >= PATIENCE:
        study.stop()


def tuned(estimator, space):
    def objective(trial):
        params, scores = suggested(trial, space), []
        for fold, (fitted, left) in enumerate(parts):
            model = clone(estimator).set_params(**params).fit(x_train[fitted], y_train[fitted])
            scores.append(roc_auc_score(y_train[left], model.predict_proba(x_train[left])[:, 1]))
            trial.report(float(np.mean(scores)), fold)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return float(np.mean(scores))

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1),
    )
    study.optimize(objective, n_trials=TRIALS, n_jobs=2, callbacks=[stop_early])
    return study


METRICS = {
    "roc_auc": (roc_auc_score, False),
    "average_precision": (average_precision_score, False),
    "log_loss": (log_loss, False),
    "brier_score": (brier_score_loss, False),
    "accuracy": (accuracy_score, True),
    "balanced_accuracy": (balanced_accuracy_score, True),
    "precision": (precision_score, True),
    "recall": (recall_score, True),
    "f1": (f1_score, True),
}


def evaluated(truth, probability, threshold):
    """Each metric with its 95% interval over rows that are drawn with replacement."""
    drawn = np.random.default_rng(SEED).integers(0, len(truth), (DRAWS, len(truth)))
    found = {}
    for name, (metric, decided) in METRICS.items():
        said = (probability >= threshold).astype(int) if decided else probability
        values = [metric(truth[at], said[at]) for at in drawn]
        found[name] = (metric(truth, said), *np.quantile(values, [0.025, 0.975]))
    return found


metrics, candidates, models = {}, 0, {}
for name, estimator in ESTIMATORS.items():
    study = tuned(estimator, config["algorithms"][name]["param_distributions"])
    candidates += len(study.trials)
    model = models[name] = clone(estimator).set_params(**study.best_params).fit(x_train, y_train)
    said = model.predict_proba(x_validation)[:, 1]
    threshold = max(np.unique(said), key=lambda t: f1_score(y_validation, said >= t))
    metrics[name] = {
        split: evaluated(truth, model.predict_proba(x)[:, 1], threshold)
        for split, x, truth in (("validation", x_validation, y_validation), ("test", x_test, y_test))
    }
    permutation_importance(model, x_test, y_test, scoring="roc_auc", n_repeats=REPEATS, random_state=SEED)
    if name == "xgboost":
        model.get_booster().predict(xgboost.DMatrix(x_test), pred_contribs=True)
    if name == "lightgbm":
        model.predict(x_test, pred_contrib=True)
    joblib.dump(model, f"{name}.joblib")

best = max(metrics, key=lambda name: metrics[name]["validation"]["roc_auc"][0])
scores = models[best].predict_proba(columns.transform(rows).astype(np.float32))[:, 1]
pandas.DataFrame({"customerID": keys, "score": scores}).to_parquet("predictions.parquet")
print(json.dumps({
    "candidates": candidates,
    "expectations": validated.statistics["evaluated_expectations"],
    "roc_auc": {name: by_split["test"]["roc_auc"][0] for name, by_split in metrics.items()},
}))
