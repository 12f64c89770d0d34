"""Validates one Parquet file with Great Expectations and measures the drift of another one's columns to it with Evidently.

Usage: python checkedTable.py FOLDER
FOLDER has reference.parquet, current.parquet and suite.json, a suite of expectations. Prints, as JSON, how many
expectations were met and how many columns have drifted.
"""

import json
import os
import sys
from pathlib import Path

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import pandas
from evidently import Report
from evidently.presets import DataDriftPreset

folder = Path(sys.argv[1])
current = pandas.read_parquet(folder / "current.parquet")
suite = json.loads((folder / "suite.json").read_text())

context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("current")
batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": current})
validated = batch.validate(
    gx.ExpectationSuite(name="current", expectations=suite["expectations"]),
    result_format={"result_format": "SUMMARY", "partial_unexpected_count": 20},
)

reference = pandas.read_parquet(folder / "reference.parquet")
drift = Report([DataDriftPreset()]).run(current_data=current, reference_data=reference).dict()
counted = next(each["value"] for each in drift["metrics"] if "DriftedColumnsCount" in each["metric_name"])
print(json.dumps({
    "expectations": validated.statistics["evaluated_expectations"],
    "met": validated.statistics["successful_expectations"],
    "drifted": int(counted["count"]),
}))
