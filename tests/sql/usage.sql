-- The examples that the functions print run as printed, in a session that has pglearn's schema nowhere on its path.
\set VERBOSITY default
SET search_path = public;
\pset format unaligned
\pset tuples_only on
\o /dev/null
SELECT ml.logregr_train('example') AS example \gset logregr_
SELECT ml.linregr_train('example') AS example \gset linregr_
:logregr_example
:logregr_example
\o
SELECT num_rows_processed, cardinality(coef) FROM example_model;
\o /dev/null
:linregr_example
\o
SELECT num_rows_processed, cardinality(coef) FROM example_model;
SELECT ml.logregr_train() LIKE '%SELECT ml.logregr_train(%', ml.linregr_train('?') = ml.linregr_train();
SELECT ml.logregr_train('nonsense');
SELECT ml.logregr_train(NULL, 'm', 'y', 'x');
