"""Cash application and the ledger: what one transaction does."""
