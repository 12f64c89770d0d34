"""What scikit-learn, xgboost and lightgbm say of each data set, and the rows that they say it of.

Usage: python quality.py FOLDER PARAMETERS [DATA]
PARAMETERS is JSON: by estimator its parameters. DATA is a folder with public files; without it those sets are left out.
Writes into FOLDER the rows of each fold as Parquet, and results.json: by data set its task, its folds and the outputs of
each estimator on the rows of the fold's test file, a list per seed. Forests alone are of chance and have several seeds.
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pandas
import xgboost
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.model_selection import KFold, StratifiedKFold

folder, parameters = Path(sys.argv[1]), json.loads(sys.argv[2])
data = Path(sys.argv[3]) if len(sys.argv) > 3 else None
SEEDS = [0, 1, 2]
FOLDS = 3
"""Sets of more rows are tested on one fold of them."""
SMALL = 1000


def table(file, label, drop=(), rows=None):
    """A public CSV as numbers: text of at most 8 values by one-hot, of more by the share of its value."""
    frame = pandas.read_csv(data / file, na_values=["?", " ", ""], low_memory=False)
    if rows:
        frame = frame.sample(rows, random_state=0)
    y = label(frame)
    frame = frame.drop(columns=list(drop))
    columns = {}
    for name, column in frame.items():
        if pandas.api.types.is_numeric_dtype(column):
            columns[name] = column.fillna(column.mean()).fillna(0)
        elif column.nunique() <= 8:
            for value in sorted(column.dropna().unique().astype(str))[1:]:
                columns[f"{name}={value}"] = (column.astype(str) == value).astype(float)
        else:
            columns[name] = column.map(column.value_counts(normalize=True)).fillna(0)
    return pandas.DataFrame(columns).to_numpy(float), np.asarray(y)


def generated():
    random = np.random.default_rng(0)
    x = random.normal(size=(3000, 12))
    counts = random.poisson(np.exp(0.5 + 0.4 * x[:, 0] - 0.3 * x[:, 1] + 0.3 * x[:, 2] * (x[:, 3] > 0)))
    yield "generated counts", "poisson", x, counts
    yield "generated binary", "binary", *datasets.make_classification(3000, 20, n_informative=8, flip_y=0.1, random_state=0)
    yield "generated classes", "multiclass", *datasets.make_classification(
        3000, 15, n_informative=8, n_classes=4, flip_y=0.1, random_state=0
    )
    yield "generated number", "squared_error", *datasets.make_friedman1(3000, noise=1.0, random_state=0)


def bundled():
    for name, load, task in (
        ("breast_cancer", datasets.load_breast_cancer, "binary"),
        ("iris", datasets.load_iris, "multiclass"),
        ("wine", datasets.load_wine, "multiclass"),
        ("digits", datasets.load_digits, "multiclass"),
        ("diabetes", datasets.load_diabetes, "squared_error"),
    ):
        yield name, task, *load(return_X_y=True)


def public():
    if data is None:
        return
    churn = ["customerID", "Churn"]
    credit = ["emp_title", "interest_rate", "installment", "grade", "sub_grade"]
    stays = ["encounter_id", "patient_nbr", "readmitted"]
    yield "churn", "binary", *table("churn/Telco-Customer-Churn.csv", lambda rows: rows["Churn"] == "Yes", churn)
    yield "credit, grade", "multiclass", *table(
        "credit/loans_full_schema.csv", lambda rows: rows["grade"].map({"A": 0, "B": 1, "C": 2}).fillna(3), credit, rows=3000
    )
    yield "credit, rate", "squared_error", *table("credit/loans_full_schema.csv", lambda rows: rows["interest_rate"], credit)
    yield "readmission", "binary", *table(
        "readmission/diabetic_data.csv", lambda rows: rows["readmitted"] == "<30", stays, rows=10000
    )


def models(task):
    """By estimator: a function of a seed."""
    classifies = task in ("binary", "multiclass")
    found = {}
    if classifies:
        found["logistic_regression"] = lambda seed, **p: LogisticRegression(max_iter=10000, tol=1e-6, **p)
    elif task == "poisson":
        found["linear_regression"] = lambda seed, **p: PoissonRegressor(max_iter=1000, tol=1e-8, **p)
    else:
        found["linear_regression"] = lambda seed, **p: LinearRegression()
    forest = RandomForestClassifier if classifies else RandomForestRegressor
    found["random_forest"] = lambda seed, **p: forest(random_state=seed, n_jobs=-1, **p)
    of_xgboost = {"poisson": {"objective": "count:poisson"}}.get(task, {})
    of_lightgbm = {"poisson": {"objective": "poisson"}}.get(task, {})
    boosted = (xgboost.XGBClassifier, lightgbm.LGBMClassifier) if classifies else (xgboost.XGBRegressor, lightgbm.LGBMRegressor)
    found["xgboost"] = lambda seed, **p: boosted[0](random_state=seed, n_jobs=1, **of_xgboost, **p)
    found["lightgbm"] = lambda seed, **p: boosted[1](
        random_state=seed, n_jobs=1, deterministic=True, force_col_wise=True, verbosity=-1, **of_lightgbm, **p
    )
    return found


results = []
for name, task, x, y in [*bundled(), *generated(), *public()]:
    y = np.asarray(y, float)
    classifies = task in ("binary", "multiclass")
    split = (StratifiedKFold if classifies else KFold)(FOLDS, shuffle=True, random_state=0)
    folds = list(split.split(x, y))
    told = []
    for number, (train, test) in enumerate(folds if len(y) <= SMALL else folds[:1]):
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        standard = ((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)
        files = {}
        for part, rows in (("train", train), ("test", test)):
            path = folder / f"{name} {number} {part}.parquet"
            columns = {f"x{i}": standard[rows, i] for i in range(x.shape[1])}
            pandas.DataFrame({**columns, "label": y[rows]}).to_parquet(path)
            files[part] = str(path)
        outputs = {}
        for estimator, make in models(task).items():
            linear = estimator.endswith("regression")
            values = standard.astype(float) if linear else standard
            outputs[estimator] = []
            for seed in SEEDS if estimator == "random_forest" else SEEDS[:1]:
                model = make(seed, **parameters.get(estimator, {})).fit(values[train], y[train])
                output = model.predict_proba(values[test]) if classifies else model.predict(values[test])
                outputs[estimator].append(np.asarray(output[:, 1] if task == "binary" else output, float).ravel().tolist())
        told.append({**files, "rows": len(train), "labels": y[test].tolist(), "outputs": outputs})
    results.append(
        {"name": name, "task": task, "classes": int(y.max()) + 1 if classifies else 0, "features": x.shape[1], "rows": len(y), "folds": told}
    )
    print(name, file=sys.stderr, flush=True)
(folder / "results.json").write_text(json.dumps({"seeds": SEEDS, "sets": results}))
