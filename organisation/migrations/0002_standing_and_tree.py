from django.db import migrations

# Each branch keeps its own base table's columns visible to the planner, so that a condition on person_id or on
# (institution_id, role, unit_id) is pushed into all three and met by an index. That a holder is of the post's institution
# is held by a key (0003); said again here it would lead the planner of an empty database to everybody in the institution.
STANDING = """
CREATE VIEW organisation_standing AS
SELECT 'p' || post.id AS id, post.institution_id, post.id AS post_id, post.role, post.unit_id,
       post.person_id AS holder_id, post.person_id AS person_id, 'post'::text AS via, post.begins, post.ends
FROM organisation_post post
JOIN organisation_person person ON person.id = post.person_id AND person.is_active
UNION ALL
SELECT 'd' || delegation.id, post.institution_id, post.id, post.role, post.unit_id,
       post.person_id, delegation.to_id, 'delegation',
       GREATEST(post.begins, delegation.begins), LEAST(post.ends, delegation.ends)
FROM organisation_delegation delegation
JOIN organisation_post post
  ON post.id = delegation.post_id AND post.person_id <> delegation.to_id
 AND post.begins <= delegation.ends AND (post.ends IS NULL OR post.ends >= delegation.begins)
JOIN organisation_person person
  ON person.id = delegation.to_id AND person.is_active AND person.institution_id = post.institution_id
UNION ALL
SELECT 'a' || absence.id, post.institution_id, post.id, post.role, post.unit_id,
       post.person_id, absence.substitute_id, 'absence',
       GREATEST(post.begins, absence.begins), LEAST(post.ends, absence.ends)
FROM organisation_absence absence
JOIN organisation_post post
  ON post.id = absence.post_id AND post.person_id <> absence.substitute_id
 AND post.begins <= absence.ends AND (post.ends IS NULL OR post.ends >= absence.begins)
JOIN organisation_person person
  ON person.id = absence.substitute_id AND person.is_active AND person.institution_id = post.institution_id
"""

# The path is written here and nowhere else, so that a bulk load cannot get it wrong.
TREE = """
CREATE FUNCTION organisation_unit_in_tree() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.institution_id, NEW.path) <> (OLD.id, OLD.institution_id, OLD.path)
           OR NEW.parent_id IS DISTINCT FROM OLD.parent_id THEN
            RAISE EXCEPTION 'unit % is not moved: end it, and begin a new one', OLD.id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.parent_id IS NULL THEN
        NEW.path := NEW.id || '/';
        RETURN NEW;
    END IF;
    SELECT path, institution_id INTO above FROM organisation_unit WHERE id = NEW.parent_id;
    IF above.institution_id IS DISTINCT FROM NEW.institution_id THEN
        RAISE EXCEPTION 'the parent of unit % belongs to another institution, or is not there', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.path := above.path || NEW.id || '/';
    RETURN NEW;
END
$$;
CREATE TRIGGER organisation_unit_in_tree BEFORE INSERT OR UPDATE ON organisation_unit
    FOR EACH ROW EXECUTE FUNCTION organisation_unit_in_tree();
"""


class Migration(migrations.Migration):
    """Needs `organisation.0001_initial`. A later change of a column that the view reads drops and makes it again."""

    dependencies = [("organisation", "0001_initial")]

    operations = [
        migrations.RunSQL(STANDING, "DROP VIEW organisation_standing"),
        migrations.RunSQL(
            TREE,
            "DROP TRIGGER organisation_unit_in_tree ON organisation_unit; DROP FUNCTION organisation_unit_in_tree()",
        ),
    ]
