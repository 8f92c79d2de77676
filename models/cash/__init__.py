"""Cash application and the ledger: types and pure rules."""
