"""The inventory: flows that touch a customer, written down before they have a contract."""
