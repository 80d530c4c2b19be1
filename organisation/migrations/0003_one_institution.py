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
    ]
