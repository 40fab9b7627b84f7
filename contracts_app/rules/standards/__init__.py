"""Contracts in the words of others: ODCS 3.1, AsyncAPI 3.0, CloudEvents 1.0, JSON Schema.

A contract/v1 document goes out as plain JSON and, for ODCS, comes back the same. `odcs_fields`
says which fields mean the same in both, `odcs_schema` how a payload's schema is told by ODCS.
"""
