# shellcheck shell=bash
# Shared by the scripts in this directory; source it, do not run it.
#
# Sets root (the source tree), PG_CONFIG, and run_user: the account that may
# run a server, which root may not.

set -euo pipefail
export LC_ALL=C.UTF-8

# a make started by these scripts is nobody's child
unset MAKEFLAGS MFLAGS MAKELEVEL

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PG_CONFIG=${PG_CONFIG:-pg_config}

if [ "$(id -u)" -eq 0 ]; then
	run_user=postgres
else
	run_user=$(id -un)
fi

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$(basename "$0"): $*"
	exit 1
}

# as_user COMMAND...: runs it as the account that owns our servers
as_user() {
	if [ "$(id -un)" = "$run_user" ]; then
		"$@"
	else
		runuser -u "$run_user" -- "$@"
	fi
}

# server_major: 15, 16, ... of PG_CONFIG; fails when there is none
server_major() {
	"$PG_CONFIG" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p' | grep .
}

# project_files: names, separated by NUL, of what belongs to the project,
# committed or about to be
project_files() {
	if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git -C "$root" ls-files -z --cached --others --exclude-standard
	else
		(cd "$root" && find . -type f -printf '%P\0')
	fi | while IFS= read -r -d '' file; do
		if [ -e "$root/$file" ]; then
			printf '%s\0' "$file"
		fi
	done
}
