from django.db import migrations

# A post, its holder and its unit belong to one institution, and a foreign key says so: no form, import or bulk load
# can ever let somebody stand in another institution.
ONE_INSTITUTION = """
ALTER TABLE organisation_person ADD CONSTRAINT person_in_institution UNIQUE (id, institution_id);
ALTER TABLE organisation_unit ADD CONSTRAINT unit_in_institution UNIQUE (id, institution_id);
ALTER TABLE organisation_post ADD CONSTRAINT post_holder_in_institution
    FOREIGN KEY (person_id, institution_id) REFERENCES organisation_person (id, institution_id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organisation_post ADD CONSTRAINT post_unit_in_institution
    FOREIGN KEY (unit_id, institution_id) REFERENCES organisation_unit (id, institution_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
# Instants already stored (what is due when) would silently become other days.
ZONE_STAYS = """
CREATE FUNCTION organisation_zone_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the time zone of an institution does not change' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER organisation_zone_stays BEFORE UPDATE ON organisation_institution
    FOR EACH ROW WHEN (NEW.time_zone <> OLD.time_zone) EXECUTE FUNCTION organisation_zone_stays();
"""
# One statement looks at all institutions: a zone the server does not know would stop it for every one of them.
ZONE_IS_KNOWN = """
CREATE FUNCTION organisation_zone_is_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM now() AT TIME ZONE NEW.time_zone;
    RETURN NEW;
EXCEPTION WHEN invalid_parameter_value THEN
    RAISE EXCEPTION 'the database server does not know the time zone "%"', NEW.time_zone
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'Name an IANA zone, or install the server''s zone data.';
END
$$;
CREATE TRIGGER organisation_zone_is_known BEFORE INSERT ON organisation_institution
    FOR EACH ROW EXECUTE FUNCTION organisation_zone_is_known();
"""
UNDO = """
ALTER TABLE organisation_post DROP CONSTRAINT post_unit_in_institution;
ALTER TABLE organisation_post DROP CONSTRAINT post_holder_in_institution;
ALTER TABLE organisation_unit DROP CONSTRAINT unit_in_institution;
ALTER TABLE organisation_person DROP CONSTRAINT person_in_institution;
"""


class Migration(migrations.Migration):
    """Needs `organisation.0002_standing_and_tree`."""

    dependencies = [("organisation", "0002_standing_and_tree")]

    operations = [
        migrations.RunSQL(ONE_INSTITUTION, UNDO),
        migrations.RunSQL(
            ZONE_STAYS,
            "DROP TRIGGER organisation_zone_stays ON organisation_institution; DROP FUNCTION organisation_zone_stays()",
        ),
        migrations.RunSQL(
            ZONE_IS_KNOWN,
            "DROP TRIGGER organisation_zone_is_known ON organisation_institution; DROP FUNCTION organisation_zone_is_known()",
        ),
    ]
