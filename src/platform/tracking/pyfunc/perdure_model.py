"""A version of Perdure's registry as a model of mlflow.pyfunc.

Predicts from rows as the feature store has them, before any transform: `preprocessing.json` says how they become the
model's columns, `calibrator.json` what makes probabilities of what the model says, and `decision.json` from which
probability a row counts as positive. The meaning of missing, infinite and unseen values is that of Perdure's own
predictions (`src/ml/transforms`), which a test compares with these.

Needs numpy and pandas, and the library that the model is of: xgboost for `model.ubj`, lightgbm for `model.txt`, onnxruntime for `model.onnx`.
"""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

# The largest number in single precision, in which models read their columns.
LARGEST = 3.4028234663852886e38
DAY_MS = 86_400_000
# Kinds of numbers, truth values among them, as pandas' `infer_dtype` calls them.
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}


def _load_pyfunc(path):
    """What mlflow.pyfunc calls; `path` is the folder of the model's data."""
    return PerdureModel(Path(path))


class PerdureModel:
    def __init__(self, folder):
        preprocessing = _read(folder / "preprocessing.json")
        self.task = preprocessing["task"]
        self.columns = preprocessing["transforms"]["columns"]
        self.classes = self.task.get("classes")
        self.width = len(self.classes) if self.task["task"] == "multiclass" else 1
        calibrator = folder / "calibrator.json"
        self.curves = _read(calibrator)["curves"] if calibrator.exists() else None
        self.threshold = _read(folder / "decision.json")["threshold"]
        self.score = _scorer(folder)

    def predict(self, rows, params=None):
        """A row per row of the data frame: `probability` and `label`, or `label` and a probability per class, or `prediction`."""
        output = self._output(self.transform(rows))
        kind = self.task["task"]
        if kind == "regression":
            return pd.DataFrame({"prediction": output[:, 0]}, index=rows.index)
        if kind == "binary":
            positive = (output[:, 0] >= self.threshold).astype("int32")
            return pd.DataFrame({"probability": output[:, 0], "label": positive}, index=rows.index)
        labels = np.array(self.classes, dtype=object)[output.argmax(axis=1)]
        named = {f"probability_{name}": output[:, at] for at, name in enumerate(self.classes)}
        return pd.DataFrame({"label": labels, **named}, index=rows.index)

    def transform(self, rows):
        """The model's columns, in its order and in single precision: rows x columns; what is missing is NaN."""
        absent = [column["column"] for column in self.columns if column["column"] not in rows.columns]
        if absent:
            raise ValueError(
                f"The data lack {', '.join(absent)}, which the model was trained with; add them, empty where nothing is known."
            )
        made = [values for column in self.columns for values in _transformed(column, rows[column["column"]])]
        matrix = np.empty((len(rows), len(made)), dtype=np.float32)
        for at, values in enumerate(made):
            matrix[:, at] = _without_missing(values)
        return matrix

    def _output(self, matrix):
        if len(matrix) == 0:
            return np.empty((0, self.width))
        output = np.asarray(self.score(matrix), dtype=np.float64).reshape(len(matrix), -1)
        # A forest's mean of leaves may leave [0, 1] by a rounding error.
        if self.task["task"] != "regression":
            output = np.clip(output, 0, 1)
        return output if self.curves is None else _calibrated(self.curves, output)


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _scorer(folder):
    """What the library says of a matrix: a number per row, or one per class."""
    boosted = folder / "model.ubj"
    if boosted.exists():
        import xgboost

        model = xgboost.Booster(model_file=str(boosted))
        # Names of columns may have signs that the Python package takes for no names; the order is the model's.
        return lambda matrix: model.predict(xgboost.DMatrix(matrix, missing=np.nan), validate_features=False)
    network = folder / "model.onnx"
    if network.exists():
        import onnxruntime

        session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
        return lambda matrix: session.run(None, {"features": matrix})[0]
    import lightgbm

    model = lightgbm.Booster(model_file=str(folder / "model.txt"))
    return lambda matrix: model.predict(matrix, num_iteration=-1)


# ---- columns before any transform


def _without_missing(values):
    """NaN for infinities and what is too large for single precision, which count as missing."""
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) <= LARGEST, values, np.nan)


class _Numbers:
    """One or several columns of numbers, or the days of one of dates, in double precision."""

    def __init__(self, parts):
        self.parts = parts

    def map(self, of):
        return _Numbers([of(values, at) for at, values in enumerate(self.parts)])

    def categories(self):
        """Codes and the texts that they stand for, as JavaScript writes the numbers; -1 is missing."""
        codes, found = pd.factorize(self.parts[0], use_na_sentinel=True)
        return codes, [_text_of(value) for value in found]


class _Categories:
    """A column of text: positions in `values`, -1 where the value is missing."""

    def __init__(self, codes, values):
        self.codes, self.values = codes, values

    def categories(self):
        return self.codes, self.values


def _input(kind, name, series):
    if kind == "category":
        codes, found = pd.factorize(series, use_na_sentinel=True)
        values = list(found)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(_other_kind(name, series, "text"))
        return _Categories(np.asarray(codes), values)
    if series.isna().all():
        return _Numbers([np.full(len(series), np.nan)])
    if kind == "date":
        return _Numbers([_days(name, series)])
    # Of columns that may hold anything, what they hold counts.
    if not (pd.api.types.is_numeric_dtype(series) or pd.api.types.infer_dtype(series, skipna=True) in NUMBERS):
        raise ValueError(_other_kind(name, series, "numbers"))
    values = pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)
    return _Numbers([_without_missing(values)])


def _days(name, series):
    """Days since 1970-01-01 in UTC, with a fraction for the time of day."""
    if pd.api.types.is_numeric_dtype(series):
        raise ValueError(_other_kind(name, series, "dates"))
    try:
        moments = pd.to_datetime(series, utc=True).dt.tz_localize(None)
    except (TypeError, ValueError) as error:
        raise ValueError(_other_kind(name, series, "dates")) from error
    microseconds = moments.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return np.where(moments.isna().to_numpy(), np.nan, microseconds / 1e6 / 86_400.0)


def _other_kind(name, series, expected):
    return f"The column {name} has values of the type {series.dtype}, and the model was trained with {expected} in it; give it the type that it had."


def _text_of(number):
    """A number as JavaScript writes it (ECMA-262, Number::toString)."""
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if len(text) <= point <= 21:
        text = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        text = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        text = f"{text[0]}{'.' if len(text) > 1 else ''}{text[1:]}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"-{text}" if sign else text


# ---- transforms, as they were fitted


def _transformed(column, series):
    """The model's columns that one column becomes."""
    flow = _input(column["kind"], column["column"], series)
    extras = []
    for step in column["steps"]:
        ((kind, fitted),) = step.items()
        flow = STEPS[kind](fitted, flow, extras)
    return [*flow.parts, *extras]


def _impute(fitted, flow, extras):
    if isinstance(flow, _Categories):
        missing = flow.codes < 0
        if fitted["indicator"]:
            extras.append(missing.astype(np.float64))
        values = flow.values if fitted["value"] in flow.values else [*flow.values, fitted["value"]]
        return _Categories(np.where(missing, values.index(fitted["value"]), flow.codes), values)
    for values, part in zip(flow.parts, fitted):
        if part["indicator"]:
            extras.append(np.isnan(values).astype(np.float64))
    return flow.map(lambda values, at: np.where(np.isnan(values), fitted[at]["value"], values))


def _clip(bounds, flow, extras):
    # NaN stays NaN.
    return flow.map(lambda values, at: values if bounds[at] is None else np.clip(values, *bounds[at]))


def _scale(fitted, flow, extras):
    return flow.map(lambda values, at: (values - fitted[at]["center"]) / fitted[at]["scale"])


def _log(fitted, flow, extras):
    return flow.map(lambda values, at: np.copysign(np.log1p(np.abs(values)), values))


def _positions(listed, flow):
    """The position of each row's category in a list, -1 where it isn't listed. `None` in the list is missing."""
    codes, values = flow.categories()
    known = {category: at for at, category in enumerate(listed)}
    # Code -1 takes the last one.
    return np.array([*(known.get(value, -1) for value in values), known.get(None, -1)], dtype=np.int64)[codes]


def _one_hot(fitted, flow, extras):
    categories, rare = fitted["categories"], fitted["rare"]
    positions = _positions(categories, flow)
    if rare is not None:
        positions = np.where(positions < 0, len(categories), positions)
    width = len(categories) + (rare is not None)
    parts = [(positions == at).astype(np.float64) for at in range(width)]
    if fitted["drop_first"]:
        # One column says which of two values a row has; 0 would say the first of a row that has neither.
        parts = [np.where(positions < 0, np.nan, parts[1])]
    return _Numbers(parts)


def _listed(fitted, flow, extras):
    positions = _positions(fitted["categories"], flow)
    return _Numbers([np.where(positions < 0, np.nan, positions)])


def _target(fitted, flow, extras):
    positions = _positions(fitted["categories"], flow)
    # Position -1 takes the last one: the mean of all rows.
    return _Numbers([np.array([*encoding["values"], encoding["mean"]])[positions] for encoding in fitted["classes"]])


def _date_parts(parts, flow, extras):
    days = flow.parts[0]
    missing = np.isnan(days)
    known = np.where(missing, 0.0, days)
    return _Numbers([np.where(missing, np.nan, DATE_PARTS[part](known)) for part in parts])


STEPS = {
    "impute": _impute,
    "clip": _clip,
    "scale": _scale,
    "log": _log,
    "one_hot": _one_hot,
    "ordinal": _listed,
    "categorical": _listed,
    "target": _target,
    "date_parts": _date_parts,
}


# ---- the calendar, of days since 1970-01-01


def _date(days):
    return pd.DatetimeIndex(np.floor(days * DAY_MS + 0.5).astype(np.int64).astype("datetime64[ms]"))


def _weekday(days):
    # 1970-01-01 was a Thursday.
    return (np.floor(days) + 3) % 7 + 1


def _day_of_year(days):
    first = _date(days).year.to_numpy().astype("int64") - 1970
    return np.floor(days) - first.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1


def _week(days):
    # The week of ISO 8601 is that of its Thursday.
    thursday = np.floor(days) - _weekday(days) + 4
    return np.floor((_day_of_year(thursday) - 1) / 7) + 1


DATE_PARTS = {
    "days": lambda days: days,
    "year": lambda days: _date(days).year,
    "quarter": lambda days: _date(days).quarter,
    "month": lambda days: _date(days).month,
    "week": _week,
    "day": lambda days: _date(days).day,
    "weekday": _weekday,
    "day_of_year": _day_of_year,
    "hour": lambda days: _date(days).hour,
    "minute": lambda days: _date(days).minute,
}


# ---- calibration


def _calibrated(curves, output):
    calibrated = np.column_stack([_curve(curve, output[:, at]) for at, curve in enumerate(curves)])
    if len(curves) == 1:
        return calibrated
    total = calibrated.sum(axis=1, keepdims=True)
    # Probabilities of a row add up to 1; where all are 0, each class is as probable.
    return np.where(total == 0, 1 / len(curves), calibrated / np.where(total == 0, 1, total))


def _curve(curve, said):
    if curve["method"] == "sigmoid":
        return 1 / (1 + np.exp(curve["a"] * said + curve["b"]))
    # Level beyond the first point and the last.
    return np.interp(said, curve["from"], curve["to"])
