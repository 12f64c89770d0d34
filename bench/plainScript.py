"""The plain script that a practitioner would write: a CSV to evaluated models, with pandas and the engines' own packages.

Usage: python plainScript.py CSV LABEL KEY
Prints one JSON object: the ROC AUC of each model on the test rows.
"""

import json
import sys

import lightgbm
import pandas
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

csv, label, key = sys.argv[1:]
rows = pandas.read_csv(csv)
y = rows.pop(label)
rows = rows.drop(columns=key)

numbers = list(rows.select_dtypes("number"))
texts = [column for column in rows if column not in numbers]
few = [column for column in texts if rows[column].nunique() <= 30]
many = [column for column in texts if column not in few]

train, test, y_train, y_test = train_test_split(rows, y, test_size=0.2, stratify=y, random_state=0)
train, validation, y_train, y_validation = train_test_split(train, y_train, test_size=0.25, stratify=y_train, random_state=0)

columns = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ("few", OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False), few),
        ("many", TargetEncoder(), many),
    ]
)
x_train = columns.fit_transform(train, y_train)
x_validation = columns.transform(validation)
x_test = columns.transform(test)

models = {
    "logistic_regression": LogisticRegression(max_iter=1000),
    "random_forest": RandomForestClassifier(n_jobs=-1, random_state=0),
    "xgboost": xgboost.XGBClassifier(random_state=0),
    "lightgbm": lightgbm.LGBMClassifier(random_state=0, verbosity=-1),
}
scores = {}
for name, model in models.items():
    model.fit(x_train, y_train)
    for split, x, truth in (("validation", x_validation, y_validation), ("test", x_test, y_test)):
        probability = model.predict_proba(x)[:, 1]
        scores.setdefault(name, {})[split] = {
            "roc_auc": roc_auc_score(truth, probability),
            "average_precision": average_precision_score(truth, probability),
            "log_loss": log_loss(truth, probability),
            "accuracy": accuracy_score(truth, probability >= 0.5),
        }
print(json.dumps({name: by_split["test"]["roc_auc"] for name, by_split in scores.items()}))
