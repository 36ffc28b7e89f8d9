#!/usr/bin/env bash
# Builds release archives for every platform into dist/, with the licences of what is
# linked, a software bill of materials (SPDX) and checksums. Reproducible: the same
# commit gives the same archives.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:?}
export CGO_ENABLED=0
epoch=$(git log -1 --format=%ct)
rm -rf dist && mkdir -p dist
go run ./tools/sbom -version "$version" -epoch "$epoch" -sbom dist/outcrop.spdx.json -licenses dist/THIRD_PARTY_LICENSES
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  os=${platform%/*} arch=${platform#*/}
  name=outcrop_${version}_${os}_${arch}
  mkdir -p "dist/$name"
  GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "dist/$name/outcrop" ./cmd/outcrop
  cp README.md LICENSE NOTICE CHANGELOG.md outcrop.example.yaml dist/THIRD_PARTY_LICENSES dist/outcrop.spdx.json "dist/$name/"
  tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$name" | gzip -n >"dist/$name.tar.gz"
  rm -r "dist/$name"
  echo "dist/$name.tar.gz"
done
(cd dist && sha256sum ./*.tar.gz outcrop.spdx.json >SHA256SUMS)
echo "dist/SHA256SUMS"
