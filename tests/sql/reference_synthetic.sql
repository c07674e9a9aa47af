-- A million rows by formula (tests/reference/datasets.py, `draw` and `synthetic`): every number is dyadic with few
-- bits, so SQL, Rust and numpy hold the same doubles and the sums below are exact in any order.
\set VERBOSITY terse
-- uniform in [-1, 1)
CREATE FUNCTION reference.uniform(n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (reference.draw(n) - 524288) / 524288.0::float8 $$;

CREATE UNLOGGED TABLE reference_synthetic AS
SELECT u0 AS x1, u1 AS x2, u2 AS x3, 2000 + 8 * u3 AS x4, u4 AS x5, u4 + u5 / 8 AS x6, 1024 * u6 AS x7, u7 / 1024 AS x8,
       x9, x10, s + 3 * e > 0 AS label, s + (1 + x9) * e AS target
  FROM (SELECT *, 4 * u0 - 2 * u1 + u2 + 2 * u3 + 2 * u4 - u5 + u6 - u7 + x9 + x10 / 2 - 2 AS s
          FROM (SELECT reference.uniform(16 * i) AS u0, reference.uniform(16 * i + 1) AS u1, reference.uniform(16 * i + 2) AS u2,
                       reference.uniform(16 * i + 3) AS u3, reference.uniform(16 * i + 4) AS u4, reference.uniform(16 * i + 5) AS u5,
                       reference.uniform(16 * i + 6) AS u6, reference.uniform(16 * i + 7) AS u7,
                       (reference.uniform(16 * i + 8) >= 0)::integer::float8 AS x9, (reference.draw(16 * i + 9) >> 18)::float8 AS x10,
                       reference.uniform(16 * i + 10) + reference.uniform(16 * i + 11)
                         + reference.uniform(16 * i + 12) + reference.uniform(16 * i + 13) AS e
                  FROM generate_series(1, 1000000::bigint) AS i OFFSET 0) AS u) AS v;

-- The rows are those of the reference, bit for bit.
SELECT count(*) FILTER (WHERE label) = reference.part('synthetic', 'positives')::bigint AS positives,
       ARRAY[sum(x1), sum(x2), sum(x3), sum(x4), sum(x5), sum(x6), sum(x7), sum(x8), sum(x9), sum(x10)]
         = reference.numbers(reference.part('synthetic', 'sums', 'x')) AS features,
       ARRAY[sum(target)] = reference.numbers(reference.part('synthetic', 'sums', 'target')) AS target
  FROM reference_synthetic;

SELECT ml.logregr_train('reference_synthetic', 'reference_synthetic_logistic', 'label', 'ARRAY[1, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10]');
SELECT c.* FROM reference_synthetic_logistic m, reference.compare(to_jsonb(m), reference.part('synthetic', 'logistic')) c;

SELECT ml.linregr_train('reference_synthetic', 'reference_synthetic_linear', 'target', 'ARRAY[1, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10]', NULL, true);
SELECT c.* FROM reference_synthetic_linear m, reference.compare(to_jsonb(m), reference.part('synthetic', 'linear')) c;
SELECT reference.verdict(bp_stats, reference.part('synthetic', 'linear', 'bp_koenker')) AS bp_stats,
       reference.verdict(bp_p_value, reference.part('synthetic', 'linear', 'bp_koenker_p')) AS bp_p_value
  FROM reference_synthetic_linear;

-- Workers combine their parts of the aggregate in any order: still the same numbers. The comparison is a query of
-- its own, since its functions would keep the whole plan serial.
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
EXPLAIN (COSTS OFF) SELECT ml.linregr(target, ARRAY[1, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10]) FROM reference_synthetic;
CREATE TABLE reference_synthetic_parallel AS
SELECT (r).* FROM (SELECT ml.linregr(target, ARRAY[1, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10]) AS r FROM reference_synthetic OFFSET 0) AS q;
SELECT c.* FROM reference_synthetic_parallel a,
               reference.compare(to_jsonb(a) || jsonb_build_object('variance_covariance', a.vcov), reference.part('synthetic', 'linear')) c;
SELECT num_processed FROM reference_synthetic_parallel;

DROP FUNCTION reference.uniform;
DROP TABLE reference_synthetic, reference_synthetic_logistic, reference_synthetic_logistic_summary,
           reference_synthetic_linear, reference_synthetic_linear_summary, reference_synthetic_parallel;
