-- How banks name an account in their files: by these, a statement is known to be its own.
ALTER TABLE bank_accounts
  ADD COLUMN iban text CHECK (iban = upper(iban)),
  ADD COLUMN account_number text,
  ADD COLUMN bic text CHECK (bic = upper(bic));
