"""Migration operations for tables partitioned by month of a UUIDv7 key."""

from __future__ import annotations

from typing import Any

from django.db import migrations

DATABASE = "postgresql"

# A month's partition holds the ids from the first possible UUIDv7 of the month to that of the next.
# SECURITY DEFINER: the application's role may call it and own nothing.
MAKE_PARTITIONS = """
CREATE FUNCTION meshline_uuid_floor(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
          || '00000000000000000000')::uuid
$$;
CREATE FUNCTION meshline_make_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  parent regclass; month timestamptz; part text; who text; made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  FOR parent IN
    SELECT partrelid::regclass FROM pg_partitioned_table p
      JOIN pg_class c ON c.oid = p.partrelid
     WHERE p.partstrat = 'r' AND c.relnamespace = current_schema()::regnamespace
  LOOP
    FOR i IN -1..least(months_ahead, 24) LOOP
      month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
      month := (month AT TIME ZONE 'UTC' + make_interval(months => i)) AT TIME ZONE 'UTC';
      part := format('%s_%s', parent::text, to_char(month AT TIME ZONE 'UTC', 'YYYYMM'));
      IF to_regclass(part) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', part, parent,
          meshline_uuid_floor(month),
          meshline_uuid_floor((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
        made := made + 1;
        -- Everybody but the owner comes in by the parent, whose rights and triggers are the narrow ones.
        FOR who IN SELECT DISTINCT a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) a
                    WHERE c.oid = part::regclass AND a.grantee NOT IN (0, c.relowner) LOOP
          EXECUTE format('REVOKE ALL ON %I FROM %s', part, who);
        END LOOP;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION meshline_make_partitions(integer) FROM PUBLIC;
"""
DROP_PARTITIONS = """
DROP FUNCTION meshline_make_partitions(integer);
DROP FUNCTION meshline_uuid_floor(timestamptz);
"""
FIRST_PARTITIONS = "SELECT meshline_make_partitions(3)"


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel whose table is partitioned by range of `key`, with a DEFAULT partition."""

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        """Take CreateModel's arguments and the name of the partition key's column."""
        super().__init__(*args, **kwargs)
        self.key = key

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Say how this operation is written."""
        name, args, kwargs = super().deconstruct()
        kwargs["key"] = self.key
        return name, args, kwargs

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the parent and the partition for ids that no month holds."""
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE ({self.key})"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
