from django.db import migrations

PINNED = """
CREATE FUNCTION schemes_version_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a scheme version is never changed: load the changed pack, and it becomes the next version (% of version %)',
        TG_OP, OLD.id USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER version_for_good BEFORE UPDATE OR DELETE ON schemes_schemeversion
    FOR EACH ROW EXECUTE FUNCTION schemes_version_for_good();

CREATE FUNCTION schemes_cycle_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.institution_id IS DISTINCT FROM (
            SELECT scheme.institution_id FROM schemes_schemeversion version
            JOIN schemes_scheme scheme ON scheme.id = version.scheme_id WHERE version.id = NEW.scheme_version_id
        ) THEN
            RAISE EXCEPTION 'version % belongs to another institution', NEW.scheme_version_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'open' AND NEW.state = 'closed'
       AND (NEW.id, NEW.institution_id, NEW.scheme_version_id, NEW.year, NEW.begins, NEW.ends)
         = (OLD.id, OLD.institution_id, OLD.scheme_version_id, OLD.year, OLD.begins, OLD.ends) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an appraisal year keeps its version and its days, and is closed once, by a decision (% of year %)', TG_OP, OLD.year
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER cycle_pinned BEFORE INSERT OR UPDATE OR DELETE ON schemes_cycle
    FOR EACH ROW EXECUTE FUNCTION schemes_cycle_pinned();
"""
UNDO = """
DROP TRIGGER cycle_pinned ON schemes_cycle;
DROP FUNCTION schemes_cycle_pinned();
DROP TRIGGER version_for_good ON schemes_schemeversion;
DROP FUNCTION schemes_version_for_good();
"""


class Migration(migrations.Migration):
    dependencies = [("schemes", "0001_initial")]
    operations = [migrations.RunSQL(PINNED, UNDO)]
