# docker build -t mockserver . && docker run --rm -p 8123:8123 -v "$PWD/cassettes:/cassettes:ro" mockserver
FROM python:3.11-slim
COPY pyproject.toml README.md LICENSE /src/
COPY mockserver /src/mockserver
RUN pip install --no-cache-dir /src && rm -r /src && useradd --system mockserver
USER mockserver
WORKDIR /
EXPOSE 8123
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "import os, urllib.request as u; port = os.environ.get('MOCKSERVER_PORT', ''); u.urlopen('http://127.0.0.1:' + (port if port.isdigit() else '8123') + '/ok')"]
ENTRYPOINT ["mockserver"]
CMD ["serve", "--host", "0.0.0.0"]
