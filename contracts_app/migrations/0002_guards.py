"""Keep the audit log append-only and published documents frozen, in the database."""

from __future__ import annotations

from django.db import migrations

from contracts_app.migrations._partitions import DROP_PARTITIONS, FIRST_PARTITIONS, MAKE_PARTITIONS

GUARDS = """
CREATE FUNCTION meshline_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is append-only: % is refused.', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON contracts_app_auditentry
  FOR EACH ROW EXECUTE FUNCTION meshline_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON contracts_app_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION meshline_append_only();

CREATE FUNCTION meshline_frozen_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'draft' THEN
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'A published version is never deleted; retire it.'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.text IS DISTINCT FROM OLD.text OR NEW.digest IS DISTINCT FROM OLD.digest
     OR NEW.body IS DISTINCT FROM OLD.body
     OR (NEW.state = 'draft' AND OLD.state <> 'in_review') THEN
    RAISE EXCEPTION 'A published version is frozen; start a new draft.'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER contract_version_frozen BEFORE UPDATE OR DELETE ON contracts_app_contractversion
  FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document();
CREATE TRIGGER rota_frozen BEFORE UPDATE OR DELETE ON contracts_app_rota
  FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document();
CREATE TRIGGER calendar_frozen BEFORE UPDATE OR DELETE ON contracts_app_businesscalendar
  FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document();
CREATE TRIGGER sla_policy_frozen BEFORE UPDATE OR DELETE ON contracts_app_slapolicy
  FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document();
"""
NO_GUARDS = """
DROP TRIGGER sla_policy_frozen ON contracts_app_slapolicy;
DROP TRIGGER calendar_frozen ON contracts_app_businesscalendar;
DROP TRIGGER rota_frozen ON contracts_app_rota;
DROP TRIGGER contract_version_frozen ON contracts_app_contractversion;
DROP FUNCTION meshline_frozen_document();
DROP TRIGGER audit_no_truncate ON contracts_app_auditentry;
DROP TRIGGER audit_append_only ON contracts_app_auditentry;
DROP FUNCTION meshline_append_only();
"""

# The application's role got the usual rights when the owner made the table; here it loses those that
# would let it change history, and gains the one call that keeps partitions ahead of time.
NARROW = """
DO $$
DECLARE who text;
BEGIN
  FOR who IN SELECT DISTINCT a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.oid = 'contracts_app_auditentry'::regclass
                AND a.grantee NOT IN (0, c.relowner) LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON contracts_app_auditentry FROM %s', who);
    EXECUTE format('REVOKE ALL ON contracts_app_auditentry_default FROM %s', who);
    EXECUTE format('GRANT EXECUTE ON FUNCTION meshline_make_partitions(integer) TO %s', who);
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    """Triggers, and the function that makes monthly partitions."""

    dependencies = [("contracts_app", "0001_initial")]
    operations = [
        migrations.RunSQL(GUARDS, NO_GUARDS),
        migrations.RunSQL(MAKE_PARTITIONS, DROP_PARTITIONS),
        migrations.RunSQL(FIRST_PARTITIONS, migrations.RunSQL.noop),
        migrations.RunSQL(NARROW, migrations.RunSQL.noop),
    ]
