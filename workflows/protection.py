"""What the database itself refuses, whoever asks: editing the ledger, and moving a document without an entry (promises 2, 3)."""

from __future__ import annotations

from django.db import migrations

TRANSACTION_FUNCTION = """
CREATE FUNCTION duban_transaction() RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT pg_current_xact_id()::text::bigint $$;
"""

REFUSALS = """
CREATE FUNCTION duban_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION duban_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM workflows_entry e WHERE e.kind = OLD.kind AND e.document_id = OLD.document_id
                  AND e.step = 'erase' AND e.transaction = duban_transaction()) THEN
    RAISE EXCEPTION 'a payload is removed only by an erasure that is itself in the ledger' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;

CREATE FUNCTION duban_moved_with_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before_state text := '';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    before_state := OLD.state;
    IF NEW.version <> OLD.version + 1 THEN
      RAISE EXCEPTION '% %: version % does not follow %', TG_ARGV[0], NEW.id, NEW.version, OLD.version USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  IF NOT EXISTS (SELECT FROM workflows_entry e WHERE e.kind = TG_ARGV[0] AND e.document_id = NEW.id AND e.version = NEW.version
                  AND e.from_state = before_state AND e.to_state = NEW.state AND e.transaction = duban_transaction()) THEN
    RAISE EXCEPTION '% %: moved to % (version %) without an entry in the ledger', TG_ARGV[0], NEW.id, NEW.state, NEW.version
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON workflows_entry FOR EACH ROW EXECUTE FUNCTION duban_refuse();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON workflows_entry FOR EACH STATEMENT EXECUTE FUNCTION duban_refuse();
CREATE TRIGGER append_only BEFORE UPDATE ON workflows_payload FOR EACH ROW EXECUTE FUNCTION duban_refuse();
CREATE TRIGGER erase_only BEFORE DELETE ON workflows_payload FOR EACH ROW EXECUTE FUNCTION duban_erase_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON workflows_payload FOR EACH STATEMENT EXECUTE FUNCTION duban_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON workflows_seal FOR EACH ROW EXECUTE FUNCTION duban_refuse();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON workflows_seal FOR EACH STATEMENT EXECUTE FUNCTION duban_refuse();
"""

REFUSALS_REVERSED = """
DROP TRIGGER append_only ON workflows_entry; DROP TRIGGER never_emptied ON workflows_entry;
DROP TRIGGER append_only ON workflows_payload; DROP TRIGGER erase_only ON workflows_payload; DROP TRIGGER never_emptied ON workflows_payload;
DROP TRIGGER append_only ON workflows_seal; DROP TRIGGER never_emptied ON workflows_seal;
DROP FUNCTION duban_moved_with_entry(); DROP FUNCTION duban_erase_only(); DROP FUNCTION duban_refuse();
"""


def protect(table: str, kind: str) -> migrations.RunSQL:
    """The migration operation that every kind of document adds after its table: `protect("orders_supervisionorder", ...)`.

    Deferred to the end of the transaction, because document and entry are written by one statement.
    """
    return migrations.RunSQL(
        f"""
        CREATE CONSTRAINT TRIGGER born_with_entry AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION duban_moved_with_entry('{kind}');
        CREATE CONSTRAINT TRIGGER moved_with_entry AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.version IS DISTINCT FROM NEW.version)
          EXECUTE FUNCTION duban_moved_with_entry('{kind}');
        CREATE TRIGGER never_deleted BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION duban_refuse();
        CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION duban_refuse();
        """,
        f"""
        DROP TRIGGER born_with_entry ON {table}; DROP TRIGGER moved_with_entry ON {table};
        DROP TRIGGER never_deleted ON {table}; DROP TRIGGER never_emptied ON {table};
        """,
    )


UNPROTECTED = """
SELECT wanted.name FROM (
    SELECT unnest(%s::text[]) AS name, ARRAY['born_with_entry', 'moved_with_entry', 'never_deleted', 'never_emptied'] AS triggers
    UNION ALL VALUES ('workflows_entry', ARRAY['append_only', 'never_emptied']), ('workflows_seal', ARRAY['append_only', 'never_emptied']),
      ('workflows_payload', ARRAY['append_only', 'erase_only', 'never_emptied']),
      ('workflows_workitem', ARRAY['count_opened', 'count_changed', 'count_gone'])) wanted
 WHERE EXISTS (SELECT FROM unnest(wanted.triggers) AS trigger_name WHERE NOT EXISTS (
   SELECT FROM pg_trigger t WHERE t.tgrelid = to_regclass(quote_ident(wanted.name)) AND t.tgname = trigger_name AND t.tgenabled IN ('O', 'A')))
 ORDER BY 1
"""
"""Tables, of documents (the parameter), of the ledger itself and of what the census counts, whose triggers are missing or switched off: the auditor
reads it. A trigger that speaks only on replicas is switched off."""
