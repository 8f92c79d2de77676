"""The file carries what its README says, and what was open on a day is computed from it alone."""

from datetime import date, timedelta

from demo.dataset import SettledInvoice, aging_on, read_dataset


def test_the_file_holds_what_its_readme_says():
    invoices = read_dataset()
    assert (len(invoices), len({i.customer for i in invoices})) == (2466, 100)
    assert sum(i.total_minor for i in invoices) == 14_770_318
    assert (invoices[0].issued, max(i.settled for i in invoices)) == (date(2012, 1, 3), date(2014, 1, 9))


def test_a_cut_leaves_out_what_was_issued_later():
    assert max(i.issued for i in read_dataset(date(2012, 3, 31))) <= date(2012, 3, 31)


def test_the_day_of_settlement_is_no_longer_open_and_the_day_of_issue_is():
    invoice = SettledInvoice("1", "c", date(2012, 1, 1), date(2012, 1, 31), 100, False, date(2012, 6, 1))
    open_on = [
        day
        for day in (date(2011, 12, 31), invoice.issued, date(2012, 5, 31), invoice.settled)
        if aging_on([invoice], day)
    ]
    assert open_on == [invoice.issued, date(2012, 5, 31)]


def test_buckets_change_the_day_after_the_due_date_and_at_30_60_and_90_days():
    def bucket(day: date) -> int:
        invoice = SettledInvoice("1", "c", date(2012, 1, 1), date(2012, 1, 31), 7, False, date(2013, 1, 1))
        return aging_on([invoice], day)["c"].index(7)

    due = date(2012, 1, 31)
    days = [0, 1, 29, 30, 59, 60, 89, 90, 200]
    assert [bucket(due + timedelta(n)) for n in days] == [0, 1, 1, 2, 2, 3, 3, 4, 4]
