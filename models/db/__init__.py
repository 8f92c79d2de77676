"""Engine, transactions, repositories, migrations. All SQL lives here."""
