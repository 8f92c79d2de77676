"""What every chain looks up: legal entities, bank accounts, terms, the chart of accounts, dimensions, settings."""
