"""What a migration says for a table whose changes must be seen by whoever remembers the registry."""

from __future__ import annotations

MAKE_STAMP = """
CREATE FUNCTION meshline_registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO contracts_app_registrystamp (id, value) VALUES (1, gen_random_uuid())
  ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value;
  RETURN NULL;
END $$;
INSERT INTO contracts_app_registrystamp (id, value) VALUES (1, gen_random_uuid());
"""
DROP_STAMP = "DROP FUNCTION meshline_registry_changed();"


def watch(table: str) -> tuple[str, str]:
    """Return the statements that begin and end counting a table's changes as the registry's.

    The trigger is deferred to the commit: its one row is locked after all that a publication locks,
    so that two publications never wait for each other crosswise.
    """
    return (
        f"CREATE CONSTRAINT TRIGGER registry_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION meshline_registry_changed()",
        f"DROP TRIGGER registry_changed ON {table}",
    )
