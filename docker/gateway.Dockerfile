# The gateway: no torch, no GPU. Build from the root of the repository:
#   docker build -f docker/gateway.Dockerfile -t agenttuning-gateway:0.1.0 .
FROM python:3.11-slim-bookworm
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --constraint constraints.txt ".[serve]" && rm -rf /app/* \
    && useradd --system --uid 10001 gateway
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["agenttuning", "serve"]
CMD ["http://127.0.0.1:8000", "host=0.0.0.0", "port=8080"]
