"""Cash application and the ledger: its SQL."""
