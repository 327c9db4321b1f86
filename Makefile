# The two commands: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: run demo screenshots worker test nightly chaos bench bench-quick lint audit format clean

run: .venv/run  ## serves http://localhost:8000 with the scheduler billing
	@$(BIN)/python manage.py serve $(PORT)

demo: .venv/run  ## a provider with three months of history, in a scratch database, on http://localhost:8000
	@$(BIN)/python manage.py demo $(PORT)

screenshots: .venv/dev  ## the pictures of the admin in docs/figures, made from the demo; wants chromium
	@$(BIN)/python -m tests.browser.screenshots

worker: .venv/celery  ## bills what servers with INVOICE_ENGINE=celery and the same CELERY_BROKER_URL send hints of
	@INVOICE_ENGINE=celery $(BIN)/celery -A subscription_task worker --without-mingle --without-gossip --without-heartbeat

test: .venv/dev  ## all tests, on SQLite and on PostgreSQL
	@$(BIN)/python -m tests

nightly: .venv/dev  ## the random histories, many more of them
	@HISTORIES=5000 $(BIN)/python -m tests tests/test_model.py

chaos: .venv/dev  ## every fault there is a row for, some minutes; the table goes into docs/reliability.md
	@$(BIN)/python -m tests.chaos

bench: .venv/dev  ## how fast it is, beside the limit of the machine; the figures go into bench/results and docs/performance.md
	@$(BIN)/python -m bench

bench-quick: .venv/dev  ## the same in a few minutes, smaller; nothing is kept
	@$(BIN)/python -m bench --quick

lint: .venv/dev  ## what must hold before the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_DEBUG=off DJANGO_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		DJANGO_ALLOWED_HOSTS=billing.example SELF_SERVICE_TOP_UP=off \
		$(BIN)/python -W error manage.py check --deploy --fail-level WARNING

audit: .venv/auditor/bin/pip-audit .venv/dev  ## whether a pinned package has a known vulnerability; wants the network
	@$(BIN)/python -m tests.audit $<

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/run: requirements.txt
	@echo "Installing into .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==26.3
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/celery: .venv/run requirements-celery.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-celery.txt
	@touch $@

.venv/dev: .venv/run pyproject.toml requirements-celery.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-celery.txt --group dev
	@touch $@

# An environment of its own: what it needs is not what is audited.
.venv/auditor/bin/pip-audit: .venv/run
	@$(PYTHON) -m venv .venv/auditor
	@.venv/auditor/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1

clean:
	rm -rf .venv .pytest_cache .hypothesis .ruff_cache
