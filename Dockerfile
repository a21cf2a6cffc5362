# One image for every process of the project: `docker compose` gives each its command.
# The environment is made from the lock file in a first stage; the second has no compiler, no cache and no uv.

FROM python:3.13.9-slim-trixie AS build
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /opt/synergy
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev

FROM python:3.13.9-slim-trixie
RUN useradd --system --home-dir /opt/synergy --uid 10001 synergy \
    && install -d -o synergy /var/lib/synergy
COPY --from=build /opt/synergy /opt/synergy
ENV PATH=/opt/synergy/.venv/bin:$PATH PYTHONUNBUFFERED=1 SYNERGY__VAR=/var/lib/synergy SYNERGY__LOGS__FORM=json
WORKDIR /opt/synergy
USER synergy
VOLUME /var/lib/synergy
ENTRYPOINT ["synergy"]
CMD ["--help"]
