"""Asks a tenant which of the tap's assumptions about Azure hold there; the report has no value of the tenant's."""
