from pathlib import Path

from django.db import migrations
from django.db.models.functions import Now

from calendars.edition_files import SHIPPED, read_edition

FOR_GOOD = """
CREATE SEQUENCE calendars_stamp_numbers;
INSERT INTO calendars_stamp (id, number) VALUES (1, nextval('calendars_stamp_numbers'));
CREATE FUNCTION calendars_published_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is published about days is never changed: publish a correction (% of % %)', TG_OP, TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER published_for_good BEFORE UPDATE OR DELETE ON calendars_edition
    FOR EACH ROW EXECUTE FUNCTION calendars_published_for_good();
CREATE TRIGGER published_for_good BEFORE UPDATE OR DELETE ON calendars_overlay
    FOR EACH ROW EXECUTE FUNCTION calendars_published_for_good();
"""
UNDO = """
DROP TRIGGER published_for_good ON calendars_overlay;
DROP TRIGGER published_for_good ON calendars_edition;
DROP FUNCTION calendars_published_for_good();
DELETE FROM calendars_stamp;
DROP SEQUENCE calendars_stamp_numbers;
"""


def ship(apps, schema_editor):
    """The editions that this release comes with; later ones arrive by a later migration or by publish_edition."""
    stamp = apps.get_model("calendars", "Stamp").objects.get(pk=1).number
    for name in ("cn-2025.yaml", "cn-2026.yaml"):
        edition = read_edition(Path(SHIPPED) / name)
        apps.get_model("calendars", "Edition").objects.create(
            year=edition.year,
            number=edition.number,
            notice=edition.notice,
            issued_on=edition.issued_on,
            content=edition.as_json(),
            digest=edition.digest,
            stamp=stamp,
            published_at=Now(),
        )


class Migration(migrations.Migration):
    dependencies = [("calendars", "0001_initial")]
    operations = [migrations.RunSQL(FOR_GOOD, UNDO), migrations.RunPython(ship, migrations.RunPython.noop)]
