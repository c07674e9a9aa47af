"""Reads rows of d doubles and an integer label in COPY's binary format, fits, prints numbers.

Printed: seconds until everything was imported (wall, CPU), the intercept, the coefficients.
"""

import os
import sys
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

ticks = os.sysconf("SC_CLK_TCK")
with open("/proc/self/stat") as stat:
    started = float(stat.read().rsplit(") ", 1)[1].split()[19]) / ticks
imports = (time.clock_gettime(time.CLOCK_BOOTTIME) - started, time.process_time())

columns = int(sys.argv[1])
raw = sys.stdin.buffer.read()
# Signature, flags, length of extension: 19 bytes. Then per row a count of fields, per field a length
# and the value, all big-endian. At the end a count of -1.
fields = [("count", ">i2")]
for j in range(columns):
    fields += [(f"length{j}", ">i4"), (f"c{j}", ">f8")]
record = np.dtype(fields + [("length", ">i4"), ("label", ">i4")])
rows = np.frombuffer(raw, record, count=(len(raw) - 21) // record.itemsize, offset=19)
x = np.empty((len(rows), columns))
for j in range(columns):
    x[:, j] = rows[f"c{j}"]
y = rows["label"].astype(np.int8)

fit = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(x, y)
print(*imports, fit.intercept_[0], *fit.coef_[0])
