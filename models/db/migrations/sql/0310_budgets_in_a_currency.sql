-- An agent's budget is in a currency: the one that the token names, else the functional one of what is posted. `amount_minor` is in
-- `amount_currency`; null where an earlier build kept the proposal, or what is posted has several: that counts in every currency.
ALTER TABLE proposals ADD COLUMN budget_currency text CHECK (budget_currency ~ '^[A-Z]{3}$'),
                      ADD COLUMN amount_currency text CHECK (amount_currency ~ '^[A-Z]{3}$');
