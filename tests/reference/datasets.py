"""The data sets of the reference numbers: literal, by formula, or from a file named by the environment."""

import gzip
import os

import numpy as np
import pandas as pd

# MADlib's example of logregr_train: id, second_attack, treatment, trait_anxiety.
PATIENTS = """
1,1,1,70 3,1,1,50 5,1,0,40 7,1,0,75 9,1,0,70 11,0,1,65 13,0,1,45 15,0,1,40 17,0,0,55 19,0,0,50
2,1,1,80 4,1,0,60 6,1,0,65 8,1,0,80 10,1,0,60 12,0,1,50 14,0,1,35 16,0,1,50 18,0,0,45 20,0,0,60
"""

# MADlib's example of linregr_train: id, tax, bedroom, bath, price, size, lot.
HOUSES = """
1,590,2,1,50000,770,22100      2,1050,3,2,85000,1410,12000     3,20,3,1,22500,1060,3500
4,870,2,2,90000,1300,17500     5,1320,3,2,133000,1500,30000    6,1350,2,1,90500,820,25700
7,2790,3,2.5,260000,2130,25000 8,680,2,1,142500,1170,22000     9,1840,3,2,160000,1500,19000
10,3680,4,2,240000,2790,20000  11,1660,3,1,87000,1030,17500    12,1620,3,2,118600,1250,20000
13,3100,3,2,140000,1760,38000  14,2070,2,3,148000,1550,14000   15,650,3,1.5,65000,1450,12000
"""


def table(text, names):
    rows = [[float(v) for v in row.split(",")] for row in text.split()]
    return pd.DataFrame(rows, columns=names)


def patients():
    return table(PATIENTS, ["id", "second_attack", "treatment", "trait_anxiety"])


def houses():
    return table(HOUSES, ["id", "tax", "bedroom", "bath", "price", "size", "lot"])


def wine():
    """Red wine quality (Cortez et al. 2009), the 1,599 rows of crate linfa-datasets. Column order of the file."""
    path = os.environ["PGLEARN_WINE"]
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        data = pd.read_csv(file, float_precision="round_trip")
    data.columns = [c.strip().replace(" ", "_") for c in data.columns]
    assert data.shape == (1599, 12), data.shape
    return data


def telco():
    """Telco churn: rows with a NULL are left out, contract and payment as dummies against the first level."""
    data = pd.read_csv(os.path.join(os.environ["PGLEARN_DATA"], "telco_churn.csv"), float_precision="round_trip")
    data = data.dropna()
    data["churn"] = (data["churn"] == "t").astype(float)
    for name, column, level in [
        ("one_year", "contract_type", "One year"),
        ("two_year", "contract_type", "Two year"),
        ("credit_card", "payment_method", "Credit card (automatic)"),
        ("electronic_check", "payment_method", "Electronic check"),
        ("mailed_check", "payment_method", "Mailed check"),
    ]:
        data[name] = (data[column] == level).astype(float)
    return data


def draw(n):
    """20 hashed bits of the natural number n: the middle of the square of a Weyl sequence.

    draw(n) = ((w * w) >> 21) & (2^20 - 1)  with  w = (n * 1664525) & (2^31 - 1)

    Plain 64-bit integer arithmetic without overflow for n < 2^42: the same in SQL, Rust and numpy.
    """
    w = (n * 1664525) & (2**31 - 1)
    return ((w * w) >> 21) & (2**20 - 1)


def synthetic(rows):
    """Rows i = 1..rows by formula; every number is dyadic with few bits, so every sum below is exact in doubles.

    u_j = (draw(16 i + j) - 2^19) / 2^19, uniform in [-1, 1), j = 0..13
    x1 = u0, x2 = u1, x3 = u2, x4 = 2000 + 8 u3, x5 = u4, x6 = u4 + u5/8, x7 = 1024 u6, x8 = u7/1024,
    x9 = 1 if u8 >= 0 else 0, x10 = draw(16 i + 9) >> 18
    s = 4 u0 - 2 u1 + u2 + 2 u3 + 2 u4 - u5 + u6 - u7 + x9 + x10/2 - 2,  e = u10 + u11 + u12 + u13
    label = s + 3 e > 0, target = s + (1 + x9) e
    """
    i = np.arange(1, rows + 1, dtype=np.int64)
    u = [(draw(16 * i + j) - 2**19) / 2.0**19 for j in range(14)]
    x9 = (u[8] >= 0).astype(float)
    x10 = (draw(16 * i + 9) >> 18).astype(float)
    x = [u[0], u[1], u[2], 2000 + 8 * u[3], u[4], u[4] + u[5] / 8, 1024 * u[6], u[7] / 1024, x9, x10]
    s = 4 * u[0] - 2 * u[1] + u[2] + 2 * u[3] + 2 * u[4] - u[5] + u[6] - u[7] + x9 + x10 / 2 - 2
    e = u[10] + u[11] + u[12] + u[13]
    return np.column_stack(x), (s + 3 * e > 0).astype(float), s + (1 + x9) * e


def scores(rows):
    """Scores with heavy ties and labels, and regression pairs, by formula for i = 1..rows.

    a = draw(4 i), b = draw(4 i + 1), c = draw(4 i + 2)
    score = (a >> 14) / 64 (64 levels), label = 1 if a + b > 2^20 else 0
    observed = 1 + (a >> 16) negated when b is odd, predicted = observed + ((c >> 16) - 8) / 4
    """
    i = np.arange(1, rows + 1, dtype=np.int64)
    a, b, c = draw(4 * i), draw(4 * i + 1), draw(4 * i + 2)
    observed = (1.0 + (a >> 16)) * np.where(b & 1, -1, 1)
    return {
        "score": (a >> 14) / 64.0,
        "label": (a + b > 2**20).astype(float),
        "observed": observed,
        "predicted": observed + ((c >> 16) - 8) / 4.0,
    }
