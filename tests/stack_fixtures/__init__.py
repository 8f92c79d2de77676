"""Fixtures that give tests a real stack. Nothing starts before a test asks for it.

One PostgreSQL and one Temporal dev server serve a whole run; every xdist worker has its own database and namespace.

- `database_url` (session): this worker's migrated database, as the owner. Its tests share it: use an org of your own.
- `quiet_database_url` (session): another one, in which no API, worker or schedule is at work while the test looks.
- `fresh_database_url`: a migrated database of this test's own, for those that tamper or count everything.
- `temporal_address`, `temporal_namespace` (session): the dev server; this worker's namespace, attributes registered.
- `temporal_client` (session): a client for them.
- `app_stack` (session): a real API process and a real worker process on the above (`AppStack`).
- `private_stack`: a factory of whole stacks under `arflow up`, whose processes the test may kill (`PrivateStack`).
- `modules_stack` (module): one such stack, started, for tests that leave it whole.
- `time_skipping`: a WorkflowEnvironment whose clock jumps over timers.
"""
