from subscription import subscriptions


def test_a_job_makes_one_invoice_a_period(make_customer, fake_clock, run_pass):
    ada = make_customer(credit=1000)
    vm = subscriptions.create(customer=ada, name="VM", price=450, isactive=True, by=ada)
    fake_clock.at(600)
    run_pass()
    run_pass()
    ada.account.refresh_from_db()
    assert ada.account.credit == 550
    assert vm.invoices.count() == 1
