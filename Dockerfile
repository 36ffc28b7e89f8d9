# Two stages: build the static binary, ship nothing else.
FROM golang:1.26 AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /outcrop ./cmd/outcrop \
 && mkdir -p /data && chown 65532:65532 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /outcrop /outcrop
COPY --from=build /src/LICENSE /src/NOTICE /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
EXPOSE 4550
# Inside a container loopback reaches nobody; publish the port on the host's loopback:
#   docker run -p 127.0.0.1:4550:4550 -v outcrop:/data outcrop
ENTRYPOINT ["/outcrop"]
CMD ["serve", "--listen", "0.0.0.0:4550", "--data", "/data"]
