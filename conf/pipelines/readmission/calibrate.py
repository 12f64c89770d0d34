"""Counts calibration.json from the real file; nothing runs this but a person who wants other numbers.

  python calibrate.py diabetic_data.csv       (needs numpy, pandas and scipy)

Every column is counted by value and label. Columns that matter together are joined by a Gaussian copula: for each
pair, the correlation of two normal variates is sought that gives the file's rank correlation once both are cut into
the columns' values.
"""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

LABELS = ["NO", ">30", "<30"]
COUNTS = ["time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient",
          "number_emergency", "number_inpatient", "number_diagnoses"]
# What stands for more comes later: severity, risk, dose. Rank correlations depend on it.
RANKED = {
    "age": [f"[{start}-{start + 10})" for start in range(0, 100, 10)],
    "admission_type_id": ["5", "6", "8", "3", "4", "2", "1", "7"],
    "admission_source_id": ["9", "17", "20", "1", "2", "3", "11", "13", "14", "7", "8", "4", "5", "6", "10", "22", "25"],
    "discharge_disposition_id": ["18", "25", "1", "6", "8", "2", "3", "4", "5", "10", "12", "15", "16", "17", "22", "23", "24",
                                 "27", "28", "9", "13", "14", "7", "11", "19", "20"],
    "insulin": ["No", "Steady", "Down", "Up"],
    "metformin": ["No", "Down", "Steady", "Up"],
    "diabetesMed": ["No", "Yes"],
    "change": ["No", "Ch"],
    "A1Cresult": ["None", "Norm", ">7", ">8"],
    "max_glu_serum": ["None", "Norm", ">200", ">300"],
}
CORRELATED = COUNTS + list(RANKED)
# Rare diagnoses, which no feature reads, are left out.
DIAGNOSES = 100
DRAWS = 200_000
BISECTIONS = 16
# Pairs are sought one by one, so that the whole need not be positive definite: its eigenvalues are lifted to this.
SMALLEST_EIGENVALUE = 0.02


def values_of(column):
    if column.name in RANKED:
        return RANKED[column.name]
    if column.name in COUNTS:
        return sorted(column.unique(), key=int)
    frequent = list(column.value_counts().index)
    if not column.name.startswith("diag_"):
        return frequent
    return frequent[:DIAGNOSES] + (["?"] if "?" not in frequent[:DIAGNOSES] else [])


def latent_correlations(codes):
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, DRAWS))
    cut = {}
    for name, column in codes.items():
        counts = np.bincount(column)
        shares = np.cumsum(counts) / counts.sum()
        cut[name] = norm.ppf(np.clip(shares[:-1], 1e-12, 1 - 1e-12)), shares - counts / counts.sum() / 2
    matrix = np.eye(len(codes))
    for i, a in enumerate(codes):
        cuts_a, ranks_a = cut[a]
        drawn_a = ranks_a[np.searchsorted(cuts_a, first)]
        for j, b in enumerate(list(codes)[:i]):
            cuts_b, ranks_b = cut[b]
            wanted = np.corrcoef(ranks_a[codes[a]], ranks_b[codes[b]])[0, 1]
            low, high = -0.999, 0.999
            for _ in range(BISECTIONS):
                r = (low + high) / 2
                drawn_b = ranks_b[np.searchsorted(cuts_b, r * first + np.sqrt(1 - r * r) * second)]
                low, high = (r, high) if np.corrcoef(drawn_a, drawn_b)[0, 1] < wanted else (low, r)
            matrix[i, j] = matrix[j, i] = r
    eigenvalues, vectors = np.linalg.eigh(matrix)
    matrix = (vectors * np.clip(eigenvalues, SMALLEST_EIGENVALUE, None)) @ vectors.T
    scale = np.sqrt(np.diag(matrix))
    return np.round(matrix / np.outer(scale, scale), 3)


def main():
    frame = pd.read_csv(sys.argv[1], keep_default_na=False, dtype=str)
    columns, codes = {}, {}
    for name in frame.columns.drop(["encounter_id", "patient_nbr", "readmitted"]):
        values = values_of(frame[name])
        counted = pd.crosstab(frame[name], frame.readmitted).reindex(index=values, columns=LABELS, fill_value=0)
        columns[name] = [[value, *map(int, counted.loc[value])] for value in values]
        if name in CORRELATED:
            codes[name] = frame[name].map({value: i for i, value in enumerate(values)}).values
    codes = {name: codes[name] for name in CORRELATED}
    correlations = latent_correlations(codes)
    encounters = frame.patient_nbr.value_counts().value_counts().sort_index()

    line = json.dumps
    about = "Counts of UCI data set 296 (CC BY 4.0) by value and label, encounters a patient, and correlations of a Gaussian copula; made by calibrate.py."
    identifiers = [
        {"column": "encounter_id", "first": 12522, "mean_step": 4361},
        {"column": "patient_nbr", "first": 135, "mean_step": 2649, "rows_per_value": [[int(a), int(b)] for a, b in encounters.items()]},
    ]
    labels = {"column": "readmitted", "values": [[label, int((frame.readmitted == label).sum())] for label in LABELS]}
    parts = [
        f'  "about": {line(about)}',
        '  "seed": 296',
        f'  "label": {line(labels)}',
        '  "identifiers": [\n' + ",\n".join(f"    {line(entry)}" for entry in identifiers) + "\n  ]",
        '  "columns": {\n' + ",\n".join(f"    {line(name)}: {line(entries, separators=(',', ':'))}" for name, entries in columns.items()) + "\n  }",
        '  "correlations": {\n    "columns": ' + line(CORRELATED) + ',\n    "lower": [\n'
        + ",\n".join(f"      {line([float(r) for r in row[:i]])}" for i, row in enumerate(correlations)) + "\n    ]\n  }",
    ]
    Path(__file__).with_name("calibration.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


main()
