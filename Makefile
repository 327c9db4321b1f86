# The two commands: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8000
URL ?= http://localhost:$(PORT)
BIN := .venv/bin

.PHONY: run demo screenshots documents messages worker test nightly chaos bench bench-quick newman lint audit format clean

run: .venv/run  ## serves http://localhost:8000 with the scheduler billing
	@$(BIN)/python manage.py serve $(PORT)

demo: .venv/run  ## a provider with three months of history, in a scratch database, on http://localhost:8000
	@$(BIN)/python manage.py demo $(PORT)

screenshots: .venv/dev  ## the pictures of the admin in docs/figures, made from the demo; wants chromium
	@$(BIN)/python -m tests.browser.screenshots

documents: .venv/dev  ## what clients are built from, clients/openapi.yaml, and the Postman collection
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file clients/openapi.yaml
	@$(BIN)/python -m clients.postman

messages: .venv/dev  ## the catalogues in locale/ brought up to date and compiled; says what is not translated
	@$(BIN)/python -m tests.catalogue

worker: .venv/celery  ## bills what servers with INVOICE_ENGINE=celery and the same CELERY_BROKER_URL send hints of
	@INVOICE_ENGINE=celery $(BIN)/celery -A subscription_task worker --without-mingle --without-gossip --without-heartbeat

test: .venv/dev  ## all tests, on SQLite and on PostgreSQL
	@$(BIN)/python -m tests

nightly: .venv/dev  ## the random histories and the random requests, many more of them
	@HISTORIES=5000 REQUESTS=200 $(BIN)/python -m tests tests/test_model.py tests/test_schemathesis.py

chaos: .venv/dev  ## every fault there is a row for, some minutes; the table goes into docs/reliability.md
	@$(BIN)/python -m tests.chaos

bench: .venv/dev  ## how fast it is, beside the limit of the machine; the figures go into bench/results and docs/performance.md
	@$(BIN)/python -m bench

bench-quick: .venv/dev  ## the same in a few minutes, smaller; nothing is kept
	@$(BIN)/python -m bench --quick

newman: clients/newman/node_modules  ## runs the Postman collection against a server that is up, by URL=…; wants Node.js
	@clients/newman/node_modules/.bin/newman run clients/prepaid-billing.postman_collection.json \
		--environment clients/prepaid-billing.postman_environment.json --env-var baseUrl=$(URL) --bail failure

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

.venv/run: requirements.txt requirements-production.txt
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

clients/newman/node_modules: clients/newman/package-lock.json
	@npm ci --prefix clients/newman --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

clean:
	rm -rf .venv clients/newman/node_modules .pytest_cache .hypothesis .ruff_cache
