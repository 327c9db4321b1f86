FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
# Anything here adds what Celery's workers want.
ARG CELERY=
COPY requirements-*.txt ./
RUN pip install -r requirements-production.txt ${CELERY:+-r requirements-celery.txt}
COPY . .
# With the settings of a development server, which need no secret; the key that they make stays in this stage.
RUN python manage.py collectstatic --noinput --verbosity 0 && rm -f .secret_key && python -m compileall -q .

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent billing
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_DEBUG=off
USER 10001
EXPOSE 8000
# Whether the process answers, not whether it can work: a restart mends the first, never the second.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "deploy/probe.py", "8000", "/healthz"]
CMD ["gunicorn", "subscription_task.wsgi", "--bind", "0.0.0.0:8000"]
