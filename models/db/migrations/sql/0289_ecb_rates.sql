-- The European Central Bank's reference rates, units per euro, as far as they were fetched or loaded: younger than those that
-- come with a build. Nobody's own, so that an organisation's own rates stay what they are.
CREATE TABLE ecb_rates (
  currency   char(3) NOT NULL,
  rate_date  date NOT NULL,
  rate       numeric NOT NULL CHECK (rate > 0),
  fetched_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (currency, rate_date)
);
GRANT SELECT, INSERT ON ecb_rates TO arflow_app;
