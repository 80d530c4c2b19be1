"""The statements that the census is kept with: the triggers' functions, folding, and what is compared with the items.

Two texts say what an item counts as: LEVEL, which the database derives into a column, and KEY. All else is built from them.
"""

from __future__ import annotations

LOCK = 7_210_001
"""The advisory lock under which changes are folded, days counted and the census put right: one at a time."""

LEVEL = """
CREATE FUNCTION duban_level(ladder jsonb, taken integer) RETURNS smallint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF taken = 0 THEN
    RETURN 0;
  END IF;
  RETURN coalesce((SELECT max((step->>'level')::smallint) FROM jsonb_array_elements(ladder) WITH ORDINALITY AS t(step, place)
                    WHERE place <= taken), 0);
END $$;
"""
LEVEL_REVERSED = "DROP FUNCTION duban_level(jsonb, integer);"

COLUMNS = "institution_id, unit_id, kind, status, level, year, due_on"

KEY = """w.institution_id, w.unit_id, w.kind,
  CASE WHEN w.closed_at IS NULL THEN w.lamp WHEN w.closed_at <= w.due_at THEN 'in_time' ELSE 'late' END AS status,
  CASE WHEN w.closed_at IS NULL THEN w.level ELSE 0 END::smallint AS level,
  CASE WHEN w.closed_at IS NULL THEN 0 ELSE extract(year FROM w.closed_at AT TIME ZONE (
    SELECT i.time_zone FROM organisation_institution i WHERE i.id = w.institution_id)) END::smallint AS year,
  CASE WHEN w.closed_at IS NULL AND w.lamp = 'red' THEN w.due_on END AS due_on"""
"""What an item `w` that is not paused counts as: the columns of COLUMNS."""

# Old and new rows are added up, never joined: a plan that is made for one row must do for ten thousand.
TRIGGERS = f"""
CREATE FUNCTION duban_count_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workflows_censuschange ({COLUMNS}, n)
  SELECT k.*, count(*) FROM (SELECT {KEY} FROM after w WHERE w.paused_at IS NULL) k GROUP BY {COLUMNS};
  RETURN NULL;
END $$;

CREATE FUNCTION duban_count_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workflows_censuschange ({COLUMNS}, n)
  SELECT {COLUMNS}, sum(n) FROM (
    SELECT {KEY}, -1 AS n FROM before w WHERE w.paused_at IS NULL
    UNION ALL
    SELECT {KEY}, 1 FROM after w WHERE w.paused_at IS NULL) k
   GROUP BY {COLUMNS} HAVING sum(n) <> 0;
  RETURN NULL;
END $$;

CREATE FUNCTION duban_count_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workflows_censuschange ({COLUMNS}, n)
  SELECT k.*, -count(*) FROM (SELECT {KEY} FROM before w WHERE w.paused_at IS NULL) k GROUP BY {COLUMNS};
  RETURN NULL;
END $$;

CREATE TRIGGER count_opened AFTER INSERT ON workflows_workitem REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION duban_count_opened();
CREATE TRIGGER count_changed AFTER UPDATE ON workflows_workitem REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION duban_count_changed();
CREATE TRIGGER count_gone AFTER DELETE ON workflows_workitem REFERENCING OLD TABLE AS before
  FOR EACH STATEMENT EXECUTE FUNCTION duban_count_gone();
"""
TRIGGERS_REVERSED = """
DROP TRIGGER count_opened ON workflows_workitem; DROP TRIGGER count_changed ON workflows_workitem;
DROP TRIGGER count_gone ON workflows_workitem;
DROP FUNCTION duban_count_opened(); DROP FUNCTION duban_count_changed(); DROP FUNCTION duban_count_gone();
"""

# One statement takes the changes away and adds them up, so that a process killed anywhere loses and doubles nothing. What is
# picked is picked once: inside a join the limit would hold for each turn of its loop.
FOLD = f"""
WITH picked AS MATERIALIZED (
  SELECT id FROM workflows_censuschange WHERE (SELECT pg_try_advisory_xact_lock({LOCK}))
   ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
taken AS (DELETE FROM workflows_censuschange c USING picked WHERE c.id = picked.id RETURNING c.*),
counted AS (
  INSERT INTO workflows_census AS c (institution_id, unit_id, kind, status, level, year, n)
  SELECT institution_id, unit_id, kind, status, level, year, sum(n) FROM taken
   GROUP BY institution_id, unit_id, kind, status, level, year HAVING sum(n) <> 0
  ON CONFLICT (institution_id, unit_id, kind, status, level, year) DO UPDATE SET n = c.n + excluded.n),
due AS (
  INSERT INTO workflows_censusofdue AS c (institution_id, kind, due_on, n)
  SELECT institution_id, kind, due_on, sum(n) FROM taken WHERE due_on IS NOT NULL
   GROUP BY institution_id, kind, due_on HAVING sum(n) <> 0
  ON CONFLICT (institution_id, kind, due_on) DO UPDATE SET n = c.n + excluded.n)
SELECT count(*) FROM taken"""

LIVED = f"""lived AS MATERIALIZED (
  SELECT k.*, count(*) AS n FROM (
    SELECT {KEY} FROM workflows_workitem w
     WHERE w.paused_at IS NULL AND (%(institution)s::bigint IS NULL OR w.institution_id = %(institution)s)) k GROUP BY {COLUMNS})"""

OF_INSTITUTION = "(%(institution)s::bigint IS NULL OR institution_id = %(institution)s)"

# Two counts stand beside each other, of items by unit and of red items by due day; each is compared by itself.
DIFFERENCES = f"""
WITH {LIVED}
SELECT institution_id, unit_id, kind, status, level, year, NULL::date AS due_on, sum(n) AS n FROM (
  SELECT institution_id, unit_id, kind, status, level, year, n FROM workflows_census WHERE {OF_INSTITUTION}
  UNION ALL SELECT institution_id, unit_id, kind, status, level, year, n FROM workflows_censuschange WHERE {OF_INSTITUTION}
  UNION ALL SELECT institution_id, unit_id, kind, status, level, year, -n FROM lived) c
 GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0
UNION ALL
SELECT institution_id, NULL, kind, 'red', NULL, NULL, due_on, sum(n) FROM (
  SELECT institution_id, kind, due_on, n FROM workflows_censusofdue WHERE {OF_INSTITUTION}
  UNION ALL SELECT institution_id, kind, due_on, n FROM workflows_censuschange WHERE {OF_INSTITUTION} AND due_on IS NOT NULL
  UNION ALL SELECT institution_id, kind, due_on, -n FROM lived WHERE due_on IS NOT NULL) c
 GROUP BY institution_id, kind, due_on HAVING sum(n) <> 0"""

# Under LOCK, so that nothing is folded meanwhile; what is written after this statement's snapshot stays a change.
RECOUNT = f"""
WITH {LIVED},
gone AS (DELETE FROM workflows_censuschange WHERE {OF_INSTITUTION}),
counted AS (
  INSERT INTO workflows_census (institution_id, unit_id, kind, status, level, year, n)
  SELECT institution_id, unit_id, kind, status, level, year, sum(n) FROM (
    SELECT institution_id, unit_id, kind, status, level, year, n FROM lived
    UNION ALL SELECT institution_id, unit_id, kind, status, level, year, 0 FROM workflows_census WHERE {OF_INSTITUTION}) c
   GROUP BY institution_id, unit_id, kind, status, level, year
  ON CONFLICT (institution_id, unit_id, kind, status, level, year) DO UPDATE SET n = excluded.n),
due AS (
  INSERT INTO workflows_censusofdue (institution_id, kind, due_on, n)
  SELECT institution_id, kind, due_on, sum(n) FROM (
    SELECT institution_id, kind, due_on, n FROM lived WHERE due_on IS NOT NULL
    UNION ALL SELECT institution_id, kind, due_on, 0 FROM workflows_censusofdue WHERE {OF_INSTITUTION}) c
   GROUP BY institution_id, kind, due_on
  ON CONFLICT (institution_id, kind, due_on) DO UPDATE SET n = excluded.n)
SELECT count(*) FROM lived"""
