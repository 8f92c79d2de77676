-- An application that is undone takes its adjustments with it, whoever undoes it: also a build that does not know them.
CREATE CONSTRAINT TRIGGER adjustments_go_with_it AFTER UPDATE ON payment_applications DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.unapplied_at IS NULL AND NEW.unapplied_at IS NOT NULL) EXECUTE FUNCTION adjustments_go_with_application();
