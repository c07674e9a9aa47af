-- Stored models that are damaged or forged: refused with a clear error, or harmless; never a crash, an endless loop or a
-- huge allocation. Only a superuser or the owner of the tables can change a stored version at all.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;

-- CRC-32C (Castagnoli), bit by bit, as the last four bytes of a model hold it.
CREATE FUNCTION crc32c(data bytea) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE crc bigint := 4294967295;
BEGIN
    FOR i IN 0 .. length(data) - 1 LOOP
        crc := crc # get_byte(data, i);
        FOR bit IN 1 .. 8 LOOP
            crc := CASE WHEN crc & 1 = 1 THEN (crc >> 1) # 2197175160 ELSE crc >> 1 END;
        END LOOP;
    END LOOP;
    RETURN crc # 4294967295;
END $$;
SELECT to_hex(crc32c('123456789')) AS check_value;
CREATE FUNCTION little_endian(value bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT set_byte(set_byte(set_byte(set_byte('\x00000000', 0, (value & 255)::int), 1, (value >> 8 & 255)::int), 2, (value >> 16 & 255)::int), 3, (value >> 24 & 255)::int) $$;
-- The same bytes under a checksum that fits, and the length of the payload too.
CREATE FUNCTION sealed(artifact bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT body || little_endian(crc32c(body))
     FROM (SELECT overlay(substr(artifact, 1, length(artifact) - 4) PLACING little_endian(length(artifact) - 20) FROM 9 FOR 4) AS body) AS b $$;

CREATE TABLE d AS
SELECT k AS id, k % 11 + 0.5 AS amount, CASE k % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' ELSE 'east' END AS region,
       date '2024-01-01' + (k * 37) % 700 AS since, CASE WHEN (k * 7919) % 1000 < 400 + 30 * (k % 11) THEN 'yes' ELSE 'no' END AS outcome
  FROM generate_series(1, 400) AS k;
SELECT version FROM train('genuine', 'd', 'outcome', split => '{"method": "random", "test_size": 0.1, "key": "id"}', exclude => '{id}');
CREATE TABLE kept AS SELECT artifact, holdout FROM model_versions;
SELECT artifact = sealed(artifact) AS checksum_understood FROM kept;

-- What a prediction makes of an artifact: its SQLSTATE, or 'answers'.
CREATE FUNCTION outcome(forged bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE p float8;
BEGIN
    UPDATE model_versions SET artifact = forged;
    SELECT predict_proba('genuine', d.*) INTO p FROM d LIMIT 1;
    RETURN CASE WHEN p IS NULL THEN 'answers NULL' WHEN p BETWEEN 0 AND 1 THEN 'answers' ELSE 'ANSWERS ' || p END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT outcome(artifact) FROM kept;

-- A bit flipped anywhere, the checksum left.
SELECT outcome(set_bit(artifact, (i * 8 + i % 8)::bigint, 1 - get_bit(artifact, (i * 8 + i % 8)::bigint))), count(*)
  FROM kept, generate_series(0, length(artifact) - 1) AS i GROUP BY 1 ORDER BY 1;
-- Cut off anywhere, with and without a fitting checksum; longer than it says.
SELECT outcome(substr(artifact, 1, n)), count(*) FROM kept, generate_series(0, length(artifact) - 1, 3) AS n GROUP BY 1 ORDER BY 1;
SELECT outcome(sealed(substr(artifact, 1, n))), count(*) FROM kept, generate_series(20, length(artifact) - 1, 3) AS n GROUP BY 1 ORDER BY 1;
SELECT outcome(sealed(artifact || '\x00')) AS longer, outcome('') AS empty, outcome(repeat('x', 100)::bytea) AS text FROM kept;
-- Forged: any byte another one, under a checksum that fits.
SELECT coalesce(nullif(o, 'answers NULL'), 'answers') AS outcome, count(*) > 0 AS some
  FROM kept, generate_series(16, length(artifact) - 5) AS i, unnest(ARRAY[0, 127]) AS byte,
       outcome(sealed(set_byte(artifact, i, byte))) AS o GROUP BY 1 ORDER BY 1;
-- Any four bytes a length beyond all bounds.
SELECT coalesce(nullif(o, 'answers NULL'), 'answers') AS outcome, count(*) > 0 AS some
  FROM kept, generate_series(17, length(artifact) - 7, 2) AS i, unnest(ARRAY['\xffffffff', '\x00000008']::bytea[]) AS length,
       outcome(sealed(overlay(artifact PLACING length FROM i FOR 4))) AS o GROUP BY 1 ORDER BY 1;
-- What the user sees.
UPDATE model_versions SET artifact = set_byte(kept.artifact, 40, 0) FROM kept;
CALL tests.refused($$SELECT predict_class('genuine', d.*) FROM d$$);
CALL tests.refused($$SELECT * FROM feature_info('genuine')$$);
UPDATE model_versions SET artifact = sealed(set_byte(kept.artifact, 16, 255)) FROM kept;
CALL tests.refused($$SELECT predict_class('genuine', d.*) FROM d$$);
SELECT model_name, accuracy > 0 AS accuracy, feature_importance FROM ml_models;
-- Put right, it answers again.
UPDATE model_versions SET artifact = kept.artifact FROM kept;
SELECT count(predict_class('genuine', d.*)) AS answered FROM d;

-- The stored hold-out likewise.
CREATE FUNCTION judged(forged bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    UPDATE model_versions SET holdout = forged;
    SELECT count(*) INTO n FROM evaluate('genuine');
    RETURN CASE WHEN n > 0 THEN 'answers' ELSE 'ANSWERS NOTHING' END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT judged(holdout) FROM kept;
SELECT judged(set_bit(holdout, (i * 8 + i % 8)::bigint, 1 - get_bit(holdout, (i * 8 + i % 8)::bigint))), count(*) > 0 AS some FROM kept, generate_series(0, length(holdout) - 1, 5) AS i GROUP BY 1 ORDER BY 1;
SELECT judged(sealed(substr(holdout, 1, n))), count(*) > 0 AS some FROM kept, generate_series(20, length(holdout) - 1, 7) AS n GROUP BY 1 ORDER BY 1;
SELECT judged(sealed(overlay(holdout PLACING '\xffffffff' FROM i FOR 4))) AS outcome, count(*) > 0 AS some FROM kept, generate_series(17, length(holdout) - 7, 3) AS i GROUP BY 1 ORDER BY 1;
-- Bits of the artifact as a hold-out and the other way round.
SELECT judged(artifact), outcome(holdout) FROM kept;
DROP SCHEMA work CASCADE;
