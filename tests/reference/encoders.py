"""Encoded rows by scikit-learn's ColumnTransformer, for the encoders of `train()`: tests/reference/encoders.json.

Run through generate.py: `python3 tests/reference/generate.py encoders`.

Rows are made by the formula of `datasets.draw`; the encoders are fitted on the first ones, the others hold
values that those do not: unknown categories, missing values in columns that had none.
"""

import re

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import datasets

TRAINING, NEW = 100, 20


def u(column):
    """Uniform in [0, 1), one a row."""
    row = np.arange(1, TRAINING + NEW + 1, dtype=np.int64)
    return datasets.draw(16 * row + column) / 2.0**20


def with_gaps(values, column, share, new_only=False):
    gap = u(column) < share
    if new_only:
        gap[:TRAINING] = False
    out = np.array(values, dtype=object)
    out[gap] = None
    return out


def rows():
    city = np.array([f"c{int(14 * v * v)}" for v in u(3)], dtype=object)
    city[-3:] = ["elsewhere", "(rare)", ""]
    plan = np.array(["gold", "silver", "bronze", "tin", "lead"], dtype=object)[(5 * u(5) ** 2).astype(int)]
    plan[-1] = "paper"
    return pd.DataFrame({
        # half of the cells far from 0: centring must not lose digits
        "income": with_gaps(1e6 + np.round(1e5 * u(0), 2), 8, 0.1),
        "age": with_gaps(np.floor(18 + 60 * u(1)), 9, 0.5, new_only=True),
        "score": with_gaps(u(2) ** 3 / 1024, 10, 0.02),
        "city": with_gaps(city, 11, 0.08),
        "plan": with_gaps(plan, 12, 0.2, new_only=True),
        "grade": with_gaps(np.floor(6 * u(6)), 13, 0.2),
    }, dtype=object)


def numbers(strategy, **more):
    return make_pipeline(SimpleImputer(strategy=strategy, **more), StandardScaler())


def categories(strategy="most_frequent", drop=None, fill=None, **limits):
    named = lambda feature, category: f"{feature}={category}".replace("infrequent_sklearn", "(rare)")
    return make_pipeline(
        SimpleImputer(strategy=strategy, missing_values=None, **({} if fill is None else {"fill_value": fill})),
        OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False, drop=drop,
                      feature_name_combiner=named, **limits))


# The options in pglearn's words, and scikit-learn's transformers in the same order of columns.
CASES = [
    # automatic: what is missing in at least 5 % of the rows has an indicator
    ({}, [("income", numbers("median")), ("age", numbers("median")), ("score", numbers("median")),
          ("city", categories(min_frequency=2)), ("plan", categories(min_frequency=2)), ("grade", numbers("median"))],
     ["income", "city", "grade"]),
    ({"income": {"impute": "mean"}, "age": {"impute": "most_frequent"},
      "score": {"fill_value": -0.25, "indicator": True},
      "city": {"max_categories": 6, "min_frequency": 0.02, "indicator": False},
      "plan": {"min_frequency": 15},
      "grade": {"encode": "one_hot", "indicator": False}},
     [("income", numbers("mean")), ("age", numbers("most_frequent")),
      ("score", numbers("constant", fill_value=-0.25)),
      ("city", categories(max_categories=6, min_frequency=0.02)), ("plan", categories(min_frequency=15)),
      ("grade", categories(min_frequency=2))],
     ["income", "score"]),
    ({"city": {"impute": "constant", "fill_value": "nowhere", "min_frequency": 4},
      "plan": {"impute": "constant", "fill_value": "tin"},
      "grade": {"encode": "one_hot", "fill_value": 9}},
     [("income", numbers("median")), ("age", numbers("median")), ("score", numbers("median")),
      ("city", categories("constant", fill="nowhere", min_frequency=4)),
      ("plan", categories("constant", fill="tin", min_frequency=2)),
      ("grade", categories("constant", fill=9.0, min_frequency=2))],
     ["income", "city", "grade"]),
]


def encode(data, columns, indicators):
    frame = data.copy()
    one_hot = {name for name, transformer in columns if "onehotencoder" in transformer.named_steps}
    for name in {"income", "age", "score", "grade"} - one_hot:
        frame[name] = frame[name].astype(float)
    transformer = ColumnTransformer([(name, steps, [name]) for name, steps in columns],
                                    verbose_feature_names_out=False, sparse_threshold=0)
    transformer.fit(frame[:TRAINING])
    # pglearn writes the category 3.0 as 3
    names = [re.sub(r"^(grade=.*)\.0$", r"\1", name) for name in transformer.get_feature_names_out()]
    absent = data[indicators].isna().to_numpy().astype(float)
    return names + [f"{name} is null" for name in indicators], np.column_stack([transformer.transform(frame), absent])


def make():
    data = rows()
    cells = {name: [None if v is None else v for v in data[name]] for name in data}
    cases = []
    for options, columns, indicators in CASES:
        features, matrix = encode(data, columns, indicators)
        cases.append({"preprocess": options, "features": features, "matrix": matrix})
    return {"training": TRAINING, "columns": cells, "cases": cases}
