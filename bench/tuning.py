"""What Optuna's TPESampler finds, with its defaults.

Usage: python tuning.py functions SETTINGS
       python tuning.py search SETTINGS
SETTINGS is JSON. Both have `trials`, `seeds` (how many) and `space`, whose ranges and lists are those of a model config.
`functions` has `batches` besides, and its space is one per function; printed is, by function and batch, the best value of
each seed. `search` has `file`, a Parquet file of features and a label, and `folds`; printed are the best mean ROC AUC of each
seed, and the parameters that it belongs to.
"""

import json
import sys
import warnings

import numpy as np
import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
what, settings = sys.argv[1], json.loads(sys.argv[2])

FUNCTIONS = {
    "sphere": lambda p: sum(p[f"x{i}"] ** 2 for i in range(5)),
    "rosenbrock": lambda p: sum(
        100 * (p[f"x{i + 1}"] - p[f"x{i}"] ** 2) ** 2 + (1 - p[f"x{i}"]) ** 2 for i in range(2)
    ),
    "ackley": lambda p: -20 * np.exp(-0.2 * np.sqrt(np.mean([v * v for v in p.values()])))
    - np.exp(np.mean([np.cos(2 * np.pi * v) for v in p.values()])) + 20 + np.e,
    "rastrigin": lambda p: sum(v * v - 10 * np.cos(2 * np.pi * v) + 10 for v in p.values()),
    "branin": lambda p: (np.log10(p["u"]) - 5.1 / (4 * np.pi**2) * p["x"] ** 2 + 5 / np.pi * p["x"] - 6) ** 2
    + 10 * (1 - 1 / (8 * np.pi)) * np.cos(p["x"]) + 10,
}


def distribution(space):
    if isinstance(space, list):
        return optuna.distributions.CategoricalDistribution(space)
    kind = optuna.distributions.IntDistribution if space["int"] else optuna.distributions.FloatDistribution
    step = space.get("step", 1 if space["int"] else None)
    return kind(space["low"], space["high"], log=space["log"], step=step)


def best(objective, space, seed, batch, direction):
    """Trials of a batch are asked for before any of them is told."""
    distributions = {name: distribution(of) for name, of in space.items()}
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=seed))
    left = settings["trials"]
    while left > 0:
        trials = [study.ask(distributions) for _ in range(min(batch, left))]
        for trial in trials:
            study.tell(trial, objective(trial.params))
        left -= len(trials)
    return study


def functions():
    return {
        name: {
            str(batch): [
                best(FUNCTIONS[name], space, seed, batch, "minimize").best_value for seed in range(settings["seeds"])
            ]
            for batch in settings["batches"]
        }
        for name, space in settings["space"].items()
    }


def search():
    import pandas
    import xgboost
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    rows = pandas.read_parquet(settings["file"])
    y = rows.pop("label").to_numpy().astype(int)
    x = rows.to_numpy(dtype=np.float32)
    parts = list(StratifiedKFold(settings["folds"], shuffle=True, random_state=settings["random_state"]).split(x, y))

    def objective(params):
        scores = []
        for train, test in parts:
            model = xgboost.XGBClassifier(
                tree_method="hist", n_jobs=1, random_state=settings["random_state"], **params
            ).fit(x[train], y[train])
            scores.append(roc_auc_score(y[test], model.predict_proba(x[test])[:, 1]))
        return float(np.mean(scores))

    studies = [
        best(objective, settings["space"], seed, settings["batch"], "maximize") for seed in range(settings["seeds"])
    ]
    return {"best": [s.best_value for s in studies], "params": [s.best_params for s in studies]}


print(json.dumps({"functions": functions, "search": search}[what]()))
