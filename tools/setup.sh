#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the distribution packages that frugal builds and tests with, where any is missing:
# as root or with a password-less sudo at once, on a terminal after asking, otherwise it prints
# the one command to run and stops.
set -eu

packages="gcc libc6-dev meson ninja-build pkg-config python3
  libarchive-dev libcmocka-dev libcurl4-openssl-dev libcyaml-dev libjansson-dev
  libprotobuf-c-dev libsqlite3-dev libyaml-dev gnuplot-nox protobuf-c-compiler"
# CI also builds with these: FRUGAL_SETUP_EXTRA="clang-14 …"
packages="$packages ${FRUGAL_SETUP_EXTRA:-}"

if ! command -v dpkg-query >/dev/null 2>&1; then
  # Not Debian's family: take what is there, and say what is not.
  for tool in cc meson ninja pkg-config; do
    command -v "$tool" >/dev/null 2>&1 || {
      echo "setup: '$tool' is missing; install your system's packages for:" $packages >&2
      exit 1
    }
  done
  exit 0
fi

missing=""
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
as_root() {
  # Lists of packages may be missing on a fresh machine, or too old.
  $1 env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    $1 env DEBIAN_FRONTEND=noninteractive $install >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    exit 1
  }
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ "$(id -u)" = 0 ]; then
  echo "setup: installing$missing" >&2
  as_root ""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  echo "setup: installing$missing" >&2
  as_root "sudo -n"
elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
  echo "frugal needs these packages:$missing" >&2
  printf 'Install them now with sudo? [Y/n] ' >&2
  read -r answer
  case "$answer" in
    '' | y | Y | yes) as_root sudo ;;
    *)
      echo "Then run: sudo $install" >&2
      exit 1
      ;;
  esac
else
  echo "setup: packages are missing; run:" >&2
  echo "  sudo $install" >&2
  exit 1
fi
